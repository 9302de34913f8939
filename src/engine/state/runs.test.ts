import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { handle } from '../../testing/handle';
import { FakeStorage } from '../../testing/storage';
import { TabStorage } from './tabStorage';
import { elapsedOf, etaOf, shareOf } from './progress';
import { Runs } from './runs';
import type { Snapshot, Status } from '../wire/snapshot';

let storage: FakeStorage;
let runs: Runs;

beforeEach(() => {
    vi.useFakeTimers();
    storage = new FakeStorage();
    runs = new Runs(new TabStorage('runs'));
});

afterEach(() => {
    vi.useRealTimers();
});

const begin = (id: string, more = {}, request = {}) => {
    runs.begin(handle(id, { view: 'job', ...more }), {
        location: '/here',
        request,
    });
    runs.flush();
};
const report = (id: string, more: Partial<Snapshot> = {}) => {
    runs.report(id, { cursor: 1, status: 'running', ...more });
    runs.flush();
};
const end = (id: string, status: Status = 'succeeded') => {
    runs.end(id, status);
    runs.flush();
};
const shown = () => runs.of('job');
const pass = (seconds: number) => vi.advanceTimersByTime(seconds * 1000);
const now = () => performance.now();
const times = () => {
    const run = shown();
    return run && [elapsedOf(run, now()), etaOf(run, now())];
};

describe('the elapsed time', () => {
    test("runs on by the page's clock from the server's value", () => {
        begin('a');
        expect(times()).toEqual([undefined, undefined]);
        report('a', { elapsed: 10 });
        pass(3);
        expect(times()?.[0]).toBe(13);
        report('a', { cursor: 2 });
        expect(times()?.[0]).toBe(13);
        report('a', { elapsed: 20 });
        expect(times()?.[0]).toBe(20);
    });

    test('stops at the end', () => {
        begin('a');
        report('a', { elapsed: 10 });
        pass(1);
        end('a');
        pass(5);
        expect(times()).toEqual([11, undefined]);
    });

    test('is counted by the page if the server does not send it', () => {
        begin('a');
        pass(5);
        report('a');
        pass(2);
        expect(times()?.[0]).toBe(2);
    });
});

describe('the time left', () => {
    test("follows from the job's own pace, and runs down between reports", () => {
        begin('a');
        report('a', { elapsed: 30, bars: [[3, 10, null]], estimate: 500 });
        expect(times()).toEqual([30, 70]);
        pass(20);
        expect(times()).toEqual([50, 50]);
        pass(100);
        // The job has become slower since.
        expect(times()).toEqual([150, 350]);
        report('a', { elapsed: 160, bars: [[8, 10, null]] });
        expect(times()).toEqual([160, 40]);
    });

    test("follows from the pace of the job's last attempt", () => {
        begin('a');
        report('a', { elapsed: 30, bars: [[30, 100, null]] });
        report('a', {
            elapsed: 5,
            bars: [[35, 100, null, { start: 30 }]],
        });
        expect(times()).toEqual([5, 65]);
    });

    test('else follows from how long the task usually takes', () => {
        begin('a');
        report('a', { elapsed: 10, bars: [[7, null, null]], estimate: 15 });
        expect(times()).toEqual([10, 5]);
        pass(6);
        expect(times()).toEqual([16, undefined]);
    });

    test('is not known before the first step, or in the first second', () => {
        begin('a');
        report('a', { elapsed: 0.1, bars: [[3, 10, null]] });
        expect(times()?.[1]).toBeUndefined();
        report('a', { elapsed: 10, bars: [[0, 10, null]] });
        expect(times()?.[1]).toBeUndefined();
    });
});

test.each([
    [[5, 10, null], 0.5],
    [[12, 10, null], 1],
    [[3, null, null], undefined],
    [[0, 0, null], undefined],
] as const)('of the bar %j the share %s is done', ([...bar], share) => {
    begin('a');
    report('a', { bars: [bar] });
    const run = shown();
    expect(run && shareOf(run)).toBe(share);
});

test('the place in the queue shows while the job is queued', () => {
    begin('a');
    const queue = { position: 2, wait: 8 };
    report('a', { status: 'queued', queue });
    report('a', { status: 'queued' });
    expect(shown()?.queue).toEqual(queue);
    report('a');
    expect(shown()?.queue).toBeUndefined();
});

test('the end shows with the result, not with the answer', () => {
    begin('a');
    report('a');
    report('a', { status: 'succeeded' });
    expect(shown()?.status).toBe('running');
    end('a');
    expect(shown()?.status).toBe('succeeded');
});

test('the log has each line once, and the last hundred', () => {
    begin('a');
    report('a', { log: [[1, 'one']] });
    const many = Array.from(
        { length: 120 },
        (_, i) => [i + 1, `${i}`] as const,
    );
    report('a', { log: many.map(([number, text]) => [number, text]) });
    const log = shown()?.log ?? [];
    expect(log.length).toBe(100);
    expect(log[0]?.[0]).toBe(21);
    expect(log[99]?.[0]).toBe(120);
});

test('a cache hit has ended from the start', () => {
    begin('a', { cached: { duration: 75, age: 9 } });
    expect(shown()).toMatchObject({ status: 'succeeded', elapsed: 75 });
});

describe('a component shows', () => {
    test('the run that was started last', () => {
        begin('a');
        report('a');
        begin('b');
        report('b');
        end('b');
        expect(shown()?.id).toBe('b');
        expect(runs.countOf('job')).toBe(2);
        expect(runs.of('other')).toBeUndefined();
    });

    test('the running one while another waits behind it', () => {
        begin('a');
        report('a');
        begin('b');
        report('b', { status: 'queued' });
        expect(shown()?.id).toBe('a');
        report('b');
        expect(shown()?.id).toBe('b');
    });

    test('no run that was replaced', () => {
        begin('a');
        runs.forget('a');
        begin('b');
        expect(runs.listed.map(({ id }) => id)).toEqual(['b']);
    });
});

test('listeners are called once for all changes, and not otherwise', () => {
    const listener = vi.fn();
    const unwatch = runs.watch(listener);
    runs.flush();
    expect(listener).not.toHaveBeenCalled();
    runs.begin(handle('a'), { location: '/', request: undefined });
    runs.report('a', { cursor: 1, status: 'running' });
    runs.report('unknown', { cursor: 1, status: 'running' });
    runs.flush();
    runs.flush();
    expect(listener).toHaveBeenCalledOnce();
    unwatch();
    end('a');
    expect(listener).toHaveBeenCalledOnce();
});

describe('the list', () => {
    test('keeps the last fifty ended runs, and those that components show', () => {
        begin('first', { view: 'elsewhere' });
        end('first');
        for (let i = 0; i < 60; i++) {
            begin(`${i}`);
            end(`${i}`);
        }
        expect(runs.listed.length).toBe(52);
        expect(runs.of('elsewhere')?.id).toBe('first');
        expect(runs.get('9')?.id).toBe('9');
        expect(runs.get('8')).toBeUndefined();
    });

    test('is cleared of ended runs, which components still show', () => {
        begin('a');
        end('a');
        begin('b', { view: 'other' });
        runs.clear();
        expect(runs.listed.map(({ id }) => id)).toEqual(['b']);
        expect(shown()?.id).toBe('a');
    });

    test('survives a reload, but the requests do not', () => {
        begin('a', { name: 'app.work', outputs: [['out', 'children']] });
        report('a', { elapsed: 5 });
        end('a', 'failed');
        begin('b', {}, { inputs: ['secret'] });
        runs = new Runs(new TabStorage('runs'));
        // Another page of the app was loaded, and follows the live job.
        runs.begin(handle('b', { view: 'job' }), {
            location: '/there',
            request: undefined,
        });
        runs.retain(['b']);
        runs.flush();
        expect(runs.listed).toMatchObject([
            {
                id: 'a',
                name: 'app.work',
                location: '/here',
                outputs: [['out', 'children']],
                status: 'failed',
                elapsed: 5,
                view: null,
            },
            { id: 'b', location: '/here', status: 'queued' },
        ]);
        expect(storage.getItem('runs')).not.toContain('secret');
    });

    test('loses live runs that the reloaded page does not follow', () => {
        begin('a');
        runs = new Runs(new TabStorage('runs'));
        runs.retain([]);
        runs.flush();
        expect(runs.listed).toEqual([]);
    });

    test('works without storage', () => {
        storage.full = true;
        begin('a');
        expect(runs.listed.length).toBe(1);
        vi.stubGlobal('sessionStorage', undefined);
        expect(new Runs(new TabStorage('runs')).listed).toEqual([]);
    });
});
