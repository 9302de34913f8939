import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser';
import { handle } from '../../testing/handle';
import { FakePage } from '../../testing/page';
import { FakeServer } from '../../testing/server';
import { FakeStorage } from '../../testing/storage';
import { Client } from './client';
import { Connection, type ConnectionState } from './connection';
import { Engine } from '../engine';
import { TabStorage } from '../state/tabStorage';
import { Runs } from '../state/runs';

let server: FakeServer;
let browser: FakeBrowser;
let page: FakePage;
let engine: Engine;

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(0);
    server = new FakeServer();
    browser = new FakeBrowser();
    page = new FakePage();
    new FakeStorage();
    engine = new Engine(
        page,
        new Client(() => ({ url: '/', init: {} }), new Connection(browser)),
        new TabStorage('jobs'),
        new TabStorage('cancels'),
        new Runs(new TabStorage('runs')),
        'app',
    );
});

afterEach(() => {
    vi.useRealTimers();
});

test('the first poll comes 20 ms after the handle', async () => {
    engine.take([handle('a')]);
    await pass(19);
    expect(server.polls).toEqual([]);
    await pass(1);
    expect(server.polls).toEqual([[['a', 0]]]);
});

test('polls come when the server suggests, at most the interval apart', async () => {
    engine.take([handle('a', { interval: 1000 })]);
    server.next = 100;
    await pass(150);
    server.next = 400;
    await pass(500);
    server.next = 9000;
    await pass(3000);
    expect(server.waits).toEqual([100, 100, 400, 400, 1000, 1000]);
});

test('the smallest interval of the live jobs counts', async () => {
    engine.take([handle('a'), handle('b', { interval: 300 })]);
    await pass(400);
    server.show('b', { cursor: 1, status: 'succeeded' });
    await pass(2000);
    expect(server.waits).toEqual([300, 300, 1000]);
});

test('an interval of 0 polls every 20 ms', async () => {
    engine.take([handle('a', { interval: 0 })]);
    await pass(80);
    expect(server.waits).toEqual([20, 20, 20]);
});

test('there is one poll at a time, and the next waits for the last', async () => {
    const release = server.hold();
    engine.take([handle('a')]);
    await pass(10_000);
    expect(server.polls.length).toBe(1);
    release();
    await pass(999);
    expect(server.polls.length).toBe(1);
    await pass(1);
    expect(server.polls.length).toBe(2);
});

test('50 handles at once make one request per tick', async () => {
    const tokens = Array.from({ length: 50 }, (_, index) => `job-${index}`);
    for (const token of tokens) {
        engine.take([handle(token)]);
    }
    await pass(20);
    expect(server.polls).toEqual([tokens.map((token) => [token, 0])]);
    await pass(1000);
    expect(server.polls.length).toBe(2);
});

test('a new handle brings the next poll forward', async () => {
    engine.take([handle('a')]);
    await pass(500);
    engine.take([handle('b')]);
    await pass(2000);
    expect(server.polls[1]).toEqual([
        ['a', 0],
        ['b', 0],
    ]);
    expect(server.waits).toEqual([500, 1000]);
});

test('handles do not delay the next poll', async () => {
    engine.take([handle('a')]);
    await pass(15);
    engine.take([handle('b')]);
    await pass(5);
    expect(server.polls.length).toBe(1);
});

test('a handle that arrives during a poll is polled right after it', async () => {
    const release = server.hold();
    engine.take([handle('a')]);
    await pass(20);
    engine.take([handle('b')]);
    await pass(500);
    expect(server.polls).toEqual([[['a', 0]]]);
    release();
    await pass(20);
    expect(server.polls[1]).toEqual([
        ['a', 0],
        ['b', 0],
    ]);
    await pass(999);
    expect(server.polls.length).toBe(2);
});

test('answers go to the polled jobs, not to newer ones', async () => {
    engine.take([handle('a', { cancel: [['stop', 'n']] }), handle('b')]);
    server.show('b', { cursor: 3, status: 'running' });
    const release = server.hold();
    await pass(20);
    engine.cancel(['stop.n']);
    release();
    await pass(1000);
    expect(server.polls[1]).toEqual([['b', 3]]);
});

test.each([408, 425, 429, 500, 502, 503])(
    'it retries after a %i, with ever longer waits',
    async (status) => {
        engine.take([handle('a')]);
        for (let failures = 0; failures < 7; failures++) {
            server.fail(status);
        }
        await pass(60_000);
        expect(server.waits.slice(0, 8)).toEqual([
            500, 1000, 2000, 4000, 8000, 15_000, 15_000, 1000,
        ]);
    },
);

test('it retries after a lost connection, and then forgets the failures', async () => {
    engine.take([handle('a')]);
    server.disconnect();
    server.disconnect();
    await pass(1600);
    server.disconnect();
    await pass(2500);
    expect(server.waits).toEqual([500, 1000, 1000, 500, 1000]);
});

test('jitter spreads the waits', async () => {
    vi.mocked(Math.random).mockReturnValue(0.999);
    engine.take([handle('a')]);
    server.fail(500);
    await pass(300);
    expect(server.waits[0]).toBeGreaterThanOrEqual(250);
    expect(server.waits[0]).toBeLessThan(260);
});

test('it respects Retry-After in seconds', async () => {
    engine.take([handle('a')]);
    server.fail(429, { 'Retry-After': '7' });
    await pass(8000);
    expect(server.waits[0]).toBe(7000);
});

test('it respects Retry-After as a date', async () => {
    vi.setSystemTime('2030-01-01T00:00:00Z');
    engine.take([handle('a')]);
    server.fail(503, { 'Retry-After': 'Tue, 01 Jan 2030 00:00:10 GMT' });
    await pass(11_000);
    expect(server.waits[0]).toBe(9980);
});

test('it never retries before Retry-After, and spreads the retries', async () => {
    vi.mocked(Math.random).mockReturnValue(0.999);
    engine.take([handle('a')]);
    server.fail(503, { 'Retry-After': '8' });
    await pass(20_000);
    expect(server.waits[0]).toBeGreaterThan(9900);
    expect(server.waits[0]).toBeLessThan(10_000);
});

test.each(['3600', '99999999'])(
    'it caps a Retry-After of %s s',
    async (seconds) => {
        engine.take([handle('a')]);
        server.fail(503, { 'Retry-After': seconds });
        await pass(1_000_000);
        expect(server.waits[0]).toBe(600_000);
    },
);

test('an interval too long for a timer does not poll at once', async () => {
    engine.take([handle('a', { interval: 1e10 })]);
    server.next = 1e10;
    await pass(1_000_000);
    expect(server.polls.length).toBe(1);
});

test('it retries for as long as the page lives', async () => {
    engine.take([handle('a')]);
    for (let failures = 0; failures < 300; failures++) {
        server.disconnect();
    }
    await pass(3_600_000);
    server.disconnect();
    expect(server.polls.length).toBeGreaterThan(240);
    expect(page.reports).toEqual([]);
});

test('a foreign answer is final after two minutes', async () => {
    engine.take([handle('a')]);
    for (let failures = 0; failures < 20; failures++) {
        server.fail(404);
    }
    await pass(119_000);
    expect(page.reports).toEqual([]);
    await pass(20_000);
    expect(page.reports.map(([message]) => message)).toEqual([
        'Long callback lost: Refused: The server answered poll with 404: no. ' +
            'The job goes on. Log in, in another tab for instance; then retry, ' +
            'or load this page again.',
    ]);
    expect(engine.connection.state).toBe('online');
    expect(vi.getTimerCount()).toBe(0);
});

test('the two minutes restart when the app answers in between', async () => {
    engine.take([handle('a')]);
    for (let failures = 0; failures < 20; failures++) {
        server.fail(failures % 5 ? 404 : 502);
    }
    await pass(600_000);
    expect(page.reports).toEqual([]);
    expect(server.polls.length).toBeGreaterThan(20);
});

test('the connection is reconnecting from a failure until the next answer', async () => {
    const seen: ConnectionState[] = [];
    engine.connection.watch(() => {
        seen.push(engine.connection.state);
    });
    engine.take([handle('a')]);
    server.fail(502);
    await pass(100);
    expect(engine.connection.state).toBe('reconnecting');
    await pass(3000);
    expect(seen).toEqual(['reconnecting', 'online']);
});

test('a cancel that fails says nothing of a connection whose polls succeed', async () => {
    const watch = vi.fn();
    engine.take([handle('a'), handle('b', { callbackKey: 'b' })]);
    await pass(100);
    engine.connection.watch(watch);
    server.fail(503);
    engine.cancelRun('a');
    await pass(1);
    expect(server.cancelled).toEqual([['a']]);
    expect(watch).not.toHaveBeenCalled();
});

test('a hidden page polls once a minute, and at once when it is visible', async () => {
    engine.take([handle('a')]);
    await pass(20);
    browser.change({ isHidden: true });
    await pass(130_000);
    expect(server.waits).toEqual([1000, 60_000, 60_000]);
    browser.change({ isHidden: false });
    await pass(2000);
    expect(server.waits.slice(3)).toEqual([9020, 1000]);
});

test('a hidden page polls often enough to keep its jobs alive', async () => {
    browser.change({ isHidden: true });
    engine.take([handle('a', { leave: 6 }), handle('b', { leave: null })]);
    await pass(5000);
    expect(server.waits).toEqual([2000, 2000]);
});

test('no interval is so long that the page seems closed', async () => {
    engine.take([handle('a', { interval: 60_000, leave: 30 })]);
    server.next = 60_000;
    await pass(11_000);
    expect(server.waits).toEqual([10_000]);
});

test('offline it polls once more, then rarely, and at once when online', async () => {
    engine.take([handle('a')]);
    await pass(20);
    browser.change({ isOffline: true });
    for (let failures = 0; failures < 3; failures++) {
        server.disconnect();
    }
    await pass(100_000);
    expect(server.waits).toEqual([1000, 60_000]);
    browser.change({ isOffline: false });
    await pass(10_000);
    expect(server.waits.slice(2, 4)).toEqual([39_020, expect.any(Number)]);
    expect(engine.connection.state).toBe('online');
});

test('a browser that is wrong about the network does not slow polls', async () => {
    browser.change({ isOffline: true });
    engine.take([handle('a')]);
    await pass(3100);
    expect(server.waits).toEqual([1000, 1000, 1000]);
    expect(engine.connection.state).toBe('online');
});

test('a return during a poll polls again right after it', async () => {
    const release = server.hold();
    engine.take([handle('a')]);
    await pass(100);
    browser.change();
    release();
    await pass(500);
    expect(server.waits).toEqual([100]);
});

test('a return sends no poll without jobs', async () => {
    browser.change();
    await pass(10_000);
    expect(server.requests).toEqual([]);
});

test('a nonsensical answer does not end the polls', async () => {
    const complain = vi.spyOn(console, 'error').mockReturnValue();
    engine.take([handle('a')]);
    server.answer(() => Response.json({ next: 20, jobs: { 0: null } }));
    await pass(6000);
    expect(server.waits).toEqual([5000]);
    expect(complain).toHaveBeenCalledOnce();
});
