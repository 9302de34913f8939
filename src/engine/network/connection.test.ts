import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser';
import { thisBrowser } from './browser';
import { Connection, type ConnectionState } from './connection';

let browser: FakeBrowser;
let connection: Connection;
let seen: ConnectionState[];

beforeEach(() => {
    browser = new FakeBrowser();
    connection = new Connection(browser);
    seen = [];
    connection.watch(() => {
        seen.push(connection.state);
    });
});

afterEach(() => {
    vi.restoreAllMocks();
});

test('it is online until a request fails, and again after a success', () => {
    expect(connection.state).toBe('online');
    connection.succeeded();
    connection.failed();
    connection.failed();
    connection.succeeded();
    expect(seen).toEqual(['reconnecting', 'online']);
});

test('it is offline while the browser says so', () => {
    browser.change({ isOffline: true });
    connection.failed();
    browser.change({ isOffline: false });
    expect(connection.state).toBe('reconnecting');
    connection.succeeded();
    expect(seen).toEqual(['offline', 'reconnecting', 'online']);
});

test('it is online when the network is back before a request failed', () => {
    browser.change({ isOffline: true });
    browser.change({ isOffline: false });
    expect(seen).toEqual(['offline', 'online']);
});

test('a successful request outweighs the browser', () => {
    browser.isOffline = true;
    connection = new Connection(browser);
    expect(connection.state).toBe('offline');
    connection.succeeded();
    expect(connection.state).toBe('online');
    browser.change({ isHidden: true });
    expect(connection.state).toBe('online');
    connection.failed();
    expect(connection.state).toBe('offline');
});

test('a removed listener is not called', () => {
    const heard = vi.fn();
    connection.watch(heard)();
    connection.failed();
    expect(heard).not.toHaveBeenCalled();
});

test('a return is a page that is visible and online', () => {
    const returned = vi.fn();
    connection.onReturn(returned);
    browser.change({ isHidden: true });
    browser.change({ isHidden: false, isOffline: true });
    expect(returned).not.toHaveBeenCalled();
    browser.change({ isOffline: false });
    expect(returned).toHaveBeenCalledTimes(1);
    browser.change();
    expect(returned).toHaveBeenCalledTimes(2);
});

test("it follows the real browser's events", () => {
    const changed = vi.fn();
    thisBrowser.watch(changed);
    document.dispatchEvent(new Event('visibilitychange'));
    document.dispatchEvent(new Event('resume'));
    for (const event of ['online', 'offline', 'pageshow']) {
        window.dispatchEvent(new Event(event));
    }
    expect(changed).toHaveBeenCalledTimes(5);
    expect([thisBrowser.isHidden, thisBrowser.isOffline]).toEqual([
        false,
        false,
    ]);
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    expect([thisBrowser.isHidden, thisBrowser.isOffline]).toEqual([true, true]);
});
