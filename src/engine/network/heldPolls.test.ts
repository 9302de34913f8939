import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser';
import { deferred } from '../../testing/deferred';
import { handle } from '../../testing/handle';
import { FakePage } from '../../testing/page';
import { FakeServer } from '../../testing/server';
import { FakeStorage } from '../../testing/storage';
import { Engine } from '../engine';
import { Runs } from '../state/runs';
import { TabStorage } from '../state/tabStorage';
import { Client } from './client';
import { Connection } from './connection';
import { HeldPolls } from './heldPolls';
import { HoldSlot } from './holdSlot';

let server: FakeServer;
let browser: FakeBrowser;
let storage: FakeStorage;
let engine: Engine;

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

const openTab = (page = new FakePage()): [Engine, FakeBrowser] => {
    const itsBrowser = new FakeBrowser();
    const itsEngine = new Engine(
        page,
        new Client(() => ({ url: '/', init: {} }), new Connection(itsBrowser)),
        new TabStorage('jobs'),
        new TabStorage('cancels'),
        new Runs(new TabStorage('runs')),
        'app',
    );
    return [itsEngine, itsBrowser];
};

beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    server.offer = 20;
    window.dash_long_components_held = HeldPolls;
    storage = new FakeStorage();
    vi.stubGlobal('localStorage', storage);
    [engine, browser] = openTab();
});

afterEach(() => {
    vi.useRealTimers();
});

test('polls are held once the server has offered it', async () => {
    engine.take([handle('a')]);
    await pass(20);
    expect(server.holds).toEqual([0]);
    await pass(20);
    expect(server.holds).toEqual([0, 25_000]);
    expect(server.held).toBe(1);
    await pass(60_000);
    expect(server.waits).toEqual([20, 25_020, 25_020]);
    server.show('a', { cursor: 1, status: 'running' });
    await pass(20);
    expect(server.polls.at(-1)).toEqual([['a', 1]]);
    server.show('a', { cursor: 2, status: 'succeeded' });
    await pass(60_000);
    expect(server.held).toBe(0);
    expect(server.polls.at(-1)).toEqual([['a', 1]]);
    expect(engine.connection.state).toBe('online');
});

test('polls go on while the script of held polls loads, which then holds one at once', async () => {
    const script = deferred();
    const page = new FakePage();
    page.loading = script.promise;
    const [slow] = openTab(page);
    slow.take([handle('a')]);
    await pass(2500);
    expect(server.holds).toEqual([0, 0, 0]);
    script.resolve();
    await pass(20);
    expect(server.holds).toEqual([0, 0, 0, 25_000]);
});

test('polls go on as on other servers if the script does not load', async () => {
    const page = new FakePage();
    const load = vi
        .spyOn(page, 'loadChunk')
        .mockImplementation(() => Promise.reject(new Error('no such file')));
    const [plain] = openTab(page);
    plain.take([handle('a')]);
    await pass(3000);
    expect(server.holds).toEqual([0, 0, 0]);
    expect(load).toHaveBeenCalledTimes(1);
});

test('a server that offers nothing is polled as ever', async () => {
    server.offer = undefined;
    const page = new FakePage();
    const load = vi.spyOn(page, 'loadChunk');
    const [plain] = openTab(page);
    plain.take([handle('a')]);
    await pass(3000);
    expect(server.holds).toEqual([0, 0, 0]);
    expect(load).not.toHaveBeenCalled();
});

test('the server says how soon to wait for the next report', async () => {
    engine.take([handle('a')]);
    await pass(40);
    server.offer = 250;
    server.show('a', { cursor: 1, status: 'running' });
    await pass(300);
    expect(server.waits).toEqual([20, 250]);
});

test('a hidden page gives up its held poll', async () => {
    engine.take([handle('a')]);
    await pass(1000);
    browser.change({ isHidden: true });
    await pass(0);
    expect(server.held).toBe(0);
    await pass(130_000);
    expect(server.holds.slice(2)).toEqual([0, 0]);
    browser.change({ isHidden: false });
    await pass(20);
    // What the page shows of a queue may be old.
    expect(server.holds.slice(4)).toEqual([0]);
    await pass(20);
    expect(server.held).toBe(1);
    expect(engine.connection.state).toBe('online');
});

test('a held poll ends with the network, and comes back with it', async () => {
    engine.take([handle('a')]);
    await pass(40);
    server.disconnect();
    browser.change({ isOffline: true });
    await pass(1000);
    expect(server.held).toBe(0);
    expect(server.holds).toEqual([0, 25_000, 0]);
    expect(engine.connection.state).toBe('offline');
    browser.change({ isOffline: false });
    await pass(40);
    expect(server.held).toBe(1);
    expect(engine.connection.state).toBe('online');
});

test('a browser that is wrong about its network delays no news', async () => {
    engine.take([handle('a')]);
    await pass(40);
    browser.change({ isOffline: true });
    await pass(40);
    expect(engine.connection.state).toBe('online');
    expect(server.held).toBe(1);
    expect(server.holds).toEqual([0, 25_000, 0, 25_000]);
});

test('a new job brings a poll for all jobs at once', async () => {
    engine.take([handle('a')]);
    await pass(1000);
    engine.take([handle('b')]);
    await pass(20);
    expect(server.held).toBe(1);
    expect(server.polls.at(-1)).toEqual([
        ['a', 0],
        ['b', 0],
    ]);
});

test('the end of the last job gives up the held poll', async () => {
    engine.take([handle('a', { cancel: [['stop', 'n']] })]);
    await pass(1000);
    engine.cancel(['stop.n']);
    await pass(0);
    expect(server.held).toBe(0);
    expect(server.cancelled).toEqual([['a']]);
    expect(storage.getItem('_dash-long-jobs-held')).toBe('{}');
});

test('a proxy that cuts held polls is no outage', async () => {
    const watch = vi.fn();
    engine.connection.watch(watch);
    engine.take([handle('a')]);
    await pass(20);
    server.fail(504);
    await pass(80);
    // The next poll is a usual one, and tells that the server is there.
    expect(server.holds).toEqual([0, 25_000, 0]);
    await pass(60_000);
    expect(server.holds.slice(3, 31)).toEqual(Array(28).fill(0));
    // After a pause it asks for less.
    expect(server.holds.at(-1)).toBe(12_500);
    expect(watch).not.toHaveBeenCalled();
});

test('an outage during a held poll is seen by the next poll', async () => {
    engine.take([handle('a')]);
    await pass(20);
    server.disconnect();
    server.disconnect();
    await pass(40);
    expect(engine.connection.state).toBe('reconnecting');
});

test('a poll is not held for so long that the page seems closed', async () => {
    engine.take([handle('a', { leave: 6 })]);
    await pass(40);
    expect(server.holds.at(-1)).toBe(2000);
});

test('answers that come at once and hold no news do not make it ask again', async () => {
    engine.take([handle('a')]);
    await pass(20);
    for (let count = 0; count < 10; count++) {
        server.answer(() => Response.json({ next: 700, hold: 20 }));
    }
    await pass(3000);
    expect(server.waits).toEqual([20, 700, 700, 700, 700]);
});

test('two tabs hold polls, and others poll at their interval', async () => {
    const [second, secondBrowser] = openTab();
    const [third] = openTab();
    engine.take([handle('1')]);
    second.take([handle('2')]);
    await pass(100);
    third.take([handle('3')]);
    await pass(3000);
    expect(server.held).toBe(2);
    expect(server.polls.at(-1)).toEqual([['3', 0]]);
    secondBrowser.change({ isHidden: true });
    await pass(1000);
    expect(server.held).toBe(2);
});

test('a tab that has crashed keeps its slot for a minute', () => {
    const slots = [new HoldSlot(), new HoldSlot(), new HoldSlot()];
    expect(slots.map((slot) => slot.take())).toEqual([true, true, false]);
    vi.advanceTimersByTime(40_000);
    expect(slots[0]?.take()).toBe(true);
    vi.advanceTimersByTime(30_000);
    expect(slots[2]?.take()).toBe(true);
    expect(slots[1]?.take()).toBe(false);
});

test('without storage no poll is held', async () => {
    storage.full = true;
    engine.take([handle('a')]);
    await pass(3000);
    expect(server.holds).toEqual([0, 0, 0]);
});
