import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser';
import { FakeServer } from '../../testing/server';
import { FakeStorage } from '../../testing/storage';
import { Canceller } from './canceller';
import { Client } from './client';
import { Connection } from './connection';
import { TabStorage } from '../state/tabStorage';

let server: FakeServer;
let browser: FakeBrowser;
let canceller: Canceller;
const refused = vi.fn();

const storageOf = (key: string) => sessionStorage.getItem(key);

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

const load = () =>
    new Canceller(
        new Client(() => ({ url: '/', init: {} }), new Connection(browser)),
        new TabStorage('cancels'),
        refused,
    );

beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(0);
    refused.mockClear();
    server = new FakeServer();
    browser = new FakeBrowser();
    new FakeStorage();
    canceller = load();
});

afterEach(() => {
    vi.useRealTimers();
});

test('jobs are cancelled at once, in one request', async () => {
    canceller.cancel(['a', 'b']);
    await pass(1);
    expect(server.cancelled).toEqual([['a', 'b']]);
    expect(vi.getTimerCount()).toBe(0);
});

test('a cancel of no jobs sends no request', async () => {
    canceller.cancel([]);
    await pass(1000);
    expect(server.requests).toEqual([]);
});

test('a cancel is repeated until it succeeds', async () => {
    server.disconnect();
    server.fail(503);
    server.fail(429, { 'Retry-After': '9' });
    canceller.cancel(['a']);
    await pass(60_000);
    expect(server.cancelled).toEqual([['a'], ['a'], ['a'], ['a']]);
    expect(server.waits).toEqual([500, 1000, 9000]);
    expect(vi.getTimerCount()).toBe(0);
});

test('a reloaded page continues with cancels that have not succeeded', async () => {
    server.disconnect();
    canceller.cancel(['a']);
    canceller.cancel(['b']);
    await pass(1);
    vi.clearAllTimers();
    load();
    await pass(1);
    expect(server.cancelled).toEqual([['a'], ['a', 'b']]);
    load();
    await pass(1000);
    expect(server.cancelled.length).toBe(2);
});

test('after a success, a failure waits as briefly as the first', async () => {
    server.fail(503);
    canceller.cancel(['a']);
    await pass(1000);
    server.fail(503);
    canceller.cancel(['b']);
    await pass(1000);
    expect(server.waits).toEqual([500, 500, 500]);
});

test('a cancel during a request goes with the next one', async () => {
    server.fail(500);
    canceller.cancel(['a']);
    canceller.cancel(['b']);
    canceller.cancel(['c']);
    await pass(1000);
    expect(server.cancelled).toEqual([['a'], ['a', 'b', 'c']]);
});

test('a cancel that the endpoint refused is reported and not repeated', async () => {
    server.fail(403, { 'Dash-Long-Jobs': 'refused' });
    canceller.cancel(['a']);
    canceller.cancel(['b']);
    await pass(1000);
    expect(server.cancelled).toEqual([['a'], ['b']]);
    expect(refused).toHaveBeenCalledOnce();
});

test('a cancel that a guard refused is repeated on return and after a reload', async () => {
    for (let i = 0; i < 3; i++) {
        server.fail(401);
    }
    canceller.cancel(['a']);
    await pass(600_000);
    expect(server.cancelled).toEqual([['a']]);
    browser.change();
    await pass(600_000);
    expect(server.cancelled.length).toBe(2);
    expect(refused).toHaveBeenCalledOnce();
    load();
    await pass(600_000);
    expect(server.cancelled.length).toBe(3);
    browser.change();
    await pass(1);
    expect(server.cancelled.length).toBeGreaterThan(3);
    load();
    await pass(1);
    expect(storageOf('cancels')).toBeNull();
});

test('a cancel during a request that a guard refuses is sent', async () => {
    server.fail(401);
    canceller.cancel(['a']);
    canceller.cancel(['b']);
    await pass(1);
    expect(server.cancelled).toEqual([['a'], ['a', 'b']]);
    canceller.send();
    await pass(1);
    expect(server.cancelled.length).toBe(2);
});

test('a waiting cancel is repeated at once when the network is back', async () => {
    browser.change({ isOffline: true });
    server.disconnect();
    server.disconnect();
    canceller.cancel(['a']);
    await pass(600);
    browser.change({ isOffline: false });
    await pass(1);
    expect(server.waits).toEqual([500, 100]);
    expect(vi.getTimerCount()).toBe(0);
});

test('a cancel that reached a login page is repeated', async () => {
    server.answer(() => new Response('<html>Log in'));
    canceller.cancel(['a']);
    await pass(500);
    expect(server.cancelled).toEqual([['a'], ['a']]);
    expect(refused).not.toHaveBeenCalled();
});
