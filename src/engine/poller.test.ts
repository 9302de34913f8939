import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { handle } from '../testing/handle';
import { FakePage } from '../testing/page';
import { FakeServer } from '../testing/server';
import { FakeStorage } from '../testing/storage';
import { Client } from './client';
import { Engine } from './engine';
import { Memory } from './memory';

let server: FakeServer;
let engine: Engine;

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(0);
    server = new FakeServer();
    engine = new Engine(
        new FakePage(),
        new Client(() => ({ url: '/', init: {} })),
        new Memory(() => new FakeStorage(), 'jobs'),
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

test('polls come when the server suggests, and back off to the interval', async () => {
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

test('an interval of 0 asks every 20 ms', async () => {
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

test('handles do not put the next poll off', async () => {
    engine.take([handle('a')]);
    await pass(15);
    engine.take([handle('b')]);
    await pass(5);
    expect(server.polls.length).toBe(1);
});

test('a handle that arrives during a poll is asked for right after it', async () => {
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

test('answers go to the jobs that were asked for, not to those that came since', async () => {
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
    'after a %i it asks again, with ever longer waits',
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

test('after a lost connection it asks again, and forgets the failures then', async () => {
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

test('Retry-After in seconds is kept', async () => {
    engine.take([handle('a')]);
    server.fail(429, { 'Retry-After': '7' });
    await pass(8000);
    expect(server.waits[0]).toBe(7000);
});

test('Retry-After as a date is kept', async () => {
    vi.setSystemTime('2030-01-01T00:00:00Z');
    engine.take([handle('a')]);
    server.fail(503, { 'Retry-After': 'Tue, 01 Jan 2030 00:00:10 GMT' });
    await pass(11_000);
    expect(server.waits[0]).toBe(9980);
});
