import { fireEvent } from '@testing-library/react';
import { beforeEach, expect, test, vi, type Mock } from 'vitest';
import type { UserJob } from '../../engine/wire/userJob';
import { dash, setUpDash } from '../../testing/dash';
import { LinkedJob } from './linkedJob';

setUpDash();

/** Of its own in each test: the jobs of earlier links still hear of returns. */
let token: string;
let links = 0;
const JOB: UserJob = {
    id: 'job',
    name: 'app.train',
    title: null,
    tokens: ['store.job.signature'],
    age: 60,
    destination: { location: '/', view: null, outputs: [] },
    snapshot: { cursor: 1, status: 'running' },
};
let failed: Mock<() => void>;
let hidden: boolean;

beforeEach(() => {
    token = `store.job.${++links}`;
    failed = vi.fn();
    hidden = false;
    vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden);
    dash.server.userJobs = [JOB];
});

/** Open the link; return how often the page has asked for its job after some time. */
const open = async (ms = 0) => {
    void new LinkedJob(dash.engine, token, failed).open();
    await dash.pass(ms);
    return asked();
};
const asked = () =>
    dash.server.requests.filter(({ init }) =>
        (init.body as string).includes(`"link":"${token}"`),
    ).length;
const setHidden = async (isHidden: boolean) => {
    hidden = isHidden;
    fireEvent(document, new Event('visibilitychange'));
    await dash.pass(0);
};
const listed = () =>
    dash.engine.runs.listed.map(({ id, status, error }) => [
        id,
        status,
        error?.message,
    ]);
const repeat = (times: number, fail: () => void) => {
    Array.from({ length: times }).forEach(fail);
};

test('it follows its job', async () => {
    expect(await open()).toBe(1);
    expect(listed()).toEqual([['job', 'queued', undefined]]);
    expect(failed).not.toHaveBeenCalled();
});

test('a link to no job says so once', async () => {
    dash.server.userJobs = [];
    expect(await open(600_000)).toBe(1);
    expect(listed()[0]?.[2]).toContain('The link leads to no job');
    expect(failed).toHaveBeenCalledTimes(1);
});

test('it outlasts an outage, with ever longer waits', async () => {
    repeat(6, () => {
        dash.server.fail(503);
    });
    await open(60_000);
    expect(asked()).toBe(7);
    expect(dash.server.waits[4]).toBeGreaterThan(4000);
    expect(listed()).toEqual([['job', 'queued', undefined]]);
});

test.each([
    ['a guard', () => new Response('Log in', { status: 403 })],
    ['the endpoint', () => new Response('x', { status: 400 })],
])(
    'a refusal of %s ends its attempts until the user returns',
    async (_, no) => {
        repeat(2, () => {
            dash.server.answer(no);
        });
        expect(await open(600_000)).toBe(1);
        expect(listed()).toEqual([
            [
                token,
                'lost',
                expect.stringMatching(/answered jobs with .* Log in/s),
            ],
        ]);
        await setHidden(true);
        await setHidden(false);
        expect(asked()).toBe(2);
        expect(failed).toHaveBeenCalledTimes(1);
        await setHidden(true);
        await setHidden(false);
        expect(listed()).toEqual([['job', 'queued', undefined]]);
        await setHidden(true);
        await setHidden(false);
        expect(asked()).toBe(3);
    },
);

test('a login page in place of an answer ends them after two minutes', async () => {
    repeat(100, () => {
        dash.server.answer(() => new Response('<html>Log in</html>'));
    });
    expect(await open(600_000)).toBeLessThan(30);
    expect(listed()[0]?.[1]).toBe('lost');
});

test('it does not ask on a hidden page', async () => {
    repeat(2, () => {
        dash.server.fail(503);
    });
    await open();
    await setHidden(true);
    await dash.pass(600_000);
    expect(asked()).toBe(1);
    await setHidden(false);
    expect(asked()).toBe(2);
});
