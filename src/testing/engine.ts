import { afterEach, beforeEach, vi } from 'vitest';
import { Engine } from '../engine/engine';
import { Client } from '../engine/network/client';
import { PastResults } from '../engine/pastResults';
import { retry } from '../engine/retry';
import { Runs } from '../engine/state/runs';
import { TabStorage } from '../engine/state/tabStorage';
import type { Status } from '../engine/wire/snapshot';
import { FakeChannel } from './channel';
import { handle } from './handle';
import { FakePage } from './page';
import { FakeServer } from './server';
import { FakeStorage } from './storage';

export let server: FakeServer;
export let page: FakePage;
export let storage: FakeStorage;
export let engine: Engine;

/** Give every test of a file a page of its own that has just been loaded. */
export function setUpEngine(): void {
    beforeEach(() => {
        vi.useFakeTimers();
        server = new FakeServer();
        storage = new FakeStorage();
        FakeChannel.install();
        trackListeners();
        window.dash_long_components_retry = retry;
        load();
    });

    afterEach(() => {
        removeListeners();
        vi.useRealTimers();
    });
}

/** Load the page again, with these components: only storage and server stay. */
export function reload(...ids: string[]): void {
    leave();
    load(...ids);
}

/** Load the page again, where a component of its layout has properties. */
export function reloadWith(id: string, props: Record<string, unknown>): void {
    leave();
    setUp();
    page.setProps(id, props);
    engine.resume();
}

/** Let the page go, so that the browser tells it nothing any more. */
export function leave(): void {
    vi.clearAllTimers();
    window.dispatchEvent(new Event('pagehide'));
    removeListeners();
}

const listeners: Parameters<typeof window.removeEventListener>[] = [];

function trackListeners(): void {
    const add = window.addEventListener.bind(window);
    vi.spyOn(window, 'addEventListener').mockImplementation((...listener) => {
        listeners.push(listener);
        add(...listener);
    });
}

/** Tell the page nothing any more: neither that it goes. */
export function removeListeners(): void {
    for (const listener of listeners.splice(0)) {
        window.removeEventListener(...listener);
    }
}

function load(...ids: string[]): void {
    setUp(...ids);
    engine.resume();
}

function setUp(...ids: string[]): void {
    page = new FakePage(...(ids.length > 0 ? ids : ['out', 'button', 'bar']));
    engine = newEngine(page);
}

/** Return the engine of a page of this browser. */
export function newEngine(itsPage: FakePage): Engine {
    const itsEngine = new Engine(
        itsPage,
        new Client(() => ({ url: '/_dash-long-jobs/', init: {} })),
        new TabStorage('jobs'),
        new TabStorage('cancels'),
        new Runs(new TabStorage('runs')),
        'app',
    );
    itsEngine.addPastResults((parts) => new PastResults(parts, itsPage.visit));
    return itsEngine;
}

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

export const start = (...handles: ReturnType<typeof handle>[]) => {
    engine.take(handles);
};

export const polled = () => server.polls[server.polls.length - 1];

/** Return the handle of a job that uses every component of the page. */
export const job = (token: string, more = {}) =>
    handle(token, {
        callbackKey: 'callback',
        outputs: [['out', 'children']],
        running: [['button', 'disabled', true, false]],
        progress: [['bar', 'value', 0]],
        cancel: [['stop', 'n_clicks']],
        ...more,
    });

/** Let polls show this snapshot of a job from now on. */
export const show = (token: string, status: Status, more = {}, cursor = 1) => {
    server.show(token, { cursor, status, ...more });
};

export const result = (value: unknown) => ({
    result: { response: { out: { children: value } } },
});
