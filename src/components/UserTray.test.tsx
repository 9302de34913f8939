import { fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';
import { beforeEach, expect, test, vi } from 'vitest';
import { LongJobTray } from '../index';
import '../tray';
import type { UserJob } from '../engine/wire/userJob';
import type { Status } from '../engine/wire/snapshot';
import { dash, setUpDash } from '../testing/dash';

setUpDash();

beforeEach(() => {
    vi.spyOn(console, 'error').mockReturnValue();
});

const userJob = (
    id: string,
    status: Status = 'running',
    more: Partial<UserJob> = {},
): UserJob => ({
    id,
    name: `app.${id}`,
    title: null,
    tokens: [`store.${id}.signature`],
    age: 60,
    destination: { location: '/report?year=1', view: null, outputs: [] },
    snapshot: { cursor: 1, status },
    ...more,
});

/** Open the list of the user's jobs, which the server has. */
async function open(...jobs: UserJob[]): Promise<void> {
    dash.server.userJobs = jobs;
    render(<LongJobTray scope="user" />);
    await dash.pass(0);
    toggle();
    await dash.pass(0);
}

function toggle(): void {
    const details = document.querySelector('details');
    if (details) {
        details.open = !details.open;
        fireEvent(details, new Event('toggle'));
    }
}

const buttons = () =>
    screen
        .queryAllByRole('listitem')
        .map((item) =>
            [...item.querySelectorAll('button')].map((button) =>
                button.getAttribute('aria-label'),
            ),
        );
const click = (name: string) => {
    fireEvent.click(screen.getByRole('button', { name }));
};
const asked = () =>
    dash.server.requests.filter(({ url }) => url.endsWith('/jobs')).length;

test('it lists each job once, with what this page can do with it', async () => {
    dash.start('store.own.signature', { callbackKey: 'own', name: 'app.own' });
    await open(
        userJob('own'),
        userJob('live', 'running', { age: 70 }),
        userJob('by_code', 'running', { age: 80, destination: null }),
        userJob('past', 'succeeded', { title: 'Year 1' }),
        userJob('bad', 'failed', { age: 70 }),
    );
    expect(buttons()).toEqual([
        ['Cancel: Own', 'Copy link: Own'],
        ['Cancel: Live', 'Open page: Live', 'Copy link: Live'],
        ['Cancel: By code'],
        ['Show result: Year 1', 'Copy link: Year 1'],
        ['Open page: Bad', 'Copy link: Bad'],
    ]);
    expect(document.querySelector('summary')?.textContent).toBe('Jobs3');
});

test('it cancels a job for all pages of the user, and asks again', async () => {
    const tokens: UserJob['tokens'] = ['a.live.s', 'b.live.s'];
    await open(userJob('live', 'running', { tokens }));
    dash.server.userJobs = [userJob('live', 'cancelled')];
    click('Cancel: Live');
    await dash.pass(0);
    expect(dash.server.cancelled).toEqual([tokens]);
    expect(screen.getByRole('listitem').textContent).toContain('Cancelled');
});

test('it follows a live job that it opens, which is then its own', async () => {
    await open(userJob('live'));
    click('Open page: Live');
    await dash.pass(1000);
    expect(location.pathname + location.search).toBe('/report?year=1');
    expect(dash.server.polls[0]?.[0]?.[0]).toBe('store.live.signature');
    expect(buttons()).toEqual([['Cancel: Live', 'Copy link: Live']]);
});

const RESULT = {
    location: '/report?year=1',
    view: 'job',
    outputs: [['out', 'children']] as [string, string][],
};
const ofView = () => {
    const run = dash.engine.runs.of('job');
    return [run?.token, run?.status];
};

test.each(['replace', 'queue', 'parallel', 'ignore'] as const)(
    'a job that it opens makes way for a newer one of its outputs (%s), and goes on',
    async (retrigger) => {
        await open(userJob('live', 'running', { destination: RESULT }));
        click('Open page: Live');
        await dash.pass(0);
        const token = 'store.new.signature';
        dash.start(token, { retrigger, outputs: RESULT.outputs });
        await dash.pass(1000);
        expect(dash.server.polls.at(-1)).toEqual([[token, 0]]);
        expect(dash.server.cancelled).toEqual([]);
        expect(buttons()[1]).toContain('Open page: Live');
    },
);

test('a job that it opens stays beside jobs of other outputs', async () => {
    await open(userJob('live', 'running', { destination: RESULT }));
    click('Open page: Live');
    dash.start('store.new.signature', { outputs: [['out', 'style']] });
    await dash.pass(1000);
    expect(dash.server.polls.at(-1)?.length).toBe(2);
    click('Cancel: Live');
    await dash.pass(0);
    expect(dash.server.cancelled).toEqual([['store.live.signature']]);
});

test('an old result that it shows takes no view from a newer job', async () => {
    dash.start('store.own.signature');
    await open(
        userJob('own'),
        userJob('past', 'succeeded', { destination: RESULT }),
    );
    click('Show result: Past');
    await dash.pass(1000);
    expect(ofView()).toEqual(['store.own.signature', 'queued']);
});

test('it shows a failed job in its view', async () => {
    await open(userJob('bad', 'failed', { destination: RESULT }));
    click('Open page: Bad');
    expect(ofView()).toEqual(['store.bad.signature', 'failed']);
});

test('it hides what has ended when it is cleared', async () => {
    await open(userJob('live'), userJob('past', 'succeeded'));
    fireEvent.click(screen.getByText('Clear finished'));
    await dash.pass(2000);
    expect(buttons().length).toBe(1);
});

test('it asks more often while jobs are live or it is open', async () => {
    let hidden = false;
    vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden);
    const during = async (seconds: number) => {
        const before = asked();
        await dash.pass(seconds * 1000);
        return asked() - before;
    };
    await open(userJob('past', 'succeeded'));
    expect(await during(60)).toBe(30);
    toggle();
    expect(await during(60)).toBe(6);
    dash.server.userJobs = [userJob('live')];
    await during(10);
    expect(await during(60)).toBe(30);
    dash.server.userJobs = null;
    await during(2);
    expect(await during(60)).toBe(2);
    hidden = true;
    await during(30);
    expect(await during(300)).toBe(0);
    hidden = false;
    dash.server.fail(500);
    fireEvent(document, new Event('visibilitychange'));
    await during(0);
    dash.server.userJobs = [];
    expect(await during(29)).toBe(0);
    expect(await during(1)).toBe(1);
});
