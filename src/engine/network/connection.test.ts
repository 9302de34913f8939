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

test('it is online until a request fails, and again after one that does not', () => {
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

test('a network that is back before anything failed makes it online', () => {
    browser.change({ isOffline: true });
    browser.change({ isOffline: false });
    expect(seen).toEqual(['offline', 'online']);
});

test('a request that gets through belies the browser', () => {
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

test('a listener that has left hears nothing more', () => {
    const heard = vi.fn();
    connection.watch(heard)();
    connection.failed();
    expect(heard).not.toHaveBeenCalled();
});

test('a return is a page that is seen and has a network', () => {
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

test('what the real browser says of the page is heard', () => {
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
