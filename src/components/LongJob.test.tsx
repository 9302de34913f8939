import { act, cleanup, render } from '@testing-library/react';
import React from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Handle } from '../engine/wire/handle';
import { LongJob } from '../index';
import { handle } from '../testing/handle';
import { FakeServer } from '../testing/server';
import { FakeStorage } from '../testing/storage';
import { FakeDashStore } from '../testing/dashStore';

type Props = Record<string, unknown>;

const PATH = ['host'];
let server: FakeServer;
let dashStore: FakeDashStore;
/** The properties of every component, as Dash's Redux store has them. */
let layout: Map<string, Props>;

beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    dashStore = new FakeDashStore();
    dashStore.place('host', 'button');
    layout = new Map([
        ['host', { handles: {} }],
        ['button', {}],
    ]);
    window.dash_component_api = {
        useDashContext: () => ({
            componentPath: PATH,
            useStore: () => dashStore,
        }),
        getLayout: () => ({ props: layout.get('host') ?? {} }),
    };
    // jsdom's storage starts a timer with every change.
    new FakeStorage();
    Object.assign(window.dash_clientside ?? {}, { set_props: set });
});

afterEach(() => {
    cleanup();
    vi.useRealTimers();
});

function set(id: unknown, props: Props): void {
    Object.assign(layout.get(id as string) ?? {}, props);
}

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

/** Add handles to the property as the server's Patches do. */
function arrive(...handles: Handle[]): void {
    const known = layout.get('host')?.handles as Record<string, Handle>;
    const added = handles.map((each) => [each.token, each] as const);
    set('host', { handles: { ...known, ...Object.fromEntries(added) } });
}

/** Render the component as Dash does, with the properties of the store. */
const element = () => (
    <LongJob
        {...layout.get('host')}
        id="host"
        setProps={(props) => {
            set('host', props);
        }}
    />
);

/** Call the clientside callback as Dash's renderer does. */
function change(propId: string): unknown {
    const dash = window.dash_clientside;
    Object.assign(dash ?? {}, {
        callback_context: { triggered: [{ prop_id: propId, value: 1 }] },
    });
    return dash?.dash_long_components?.cancel();
}

test('the component shows nothing', () => {
    const { container } = render(element());
    expect(container.innerHTML).toBe('');
});

test('it adds trigger info to requests, once, as soon as it is on the page', () => {
    const { unmount } = render(element());
    unmount();
    render(element());
    const payload: Props = {};
    dashStore.getState().hooks.request_pre?.(payload);
    expect(payload).toMatchObject({ longJob: { seq: 1 } });
    expect(dashStore.actions.map(({ type }) => type)).toEqual(['SET_HOOKS']);
});

test('it takes handles out of the property and follows their jobs', async () => {
    const { rerender } = render(element());
    arrive(handle('a', { running: [['button', 'disabled', true, false]] }));
    rerender(element());
    expect(layout.get('host')).toEqual({ handles: {} });
    expect(layout.get('button')).toEqual({ disabled: true });
    server.show('a', { cursor: 1, status: 'succeeded' });
    await pass(20);
    expect(layout.get('button')).toEqual({ disabled: false });
    expect(dashStore.listeners.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
});

test('a handle that arrives after the rendering is not lost', async () => {
    const { rerender } = render(element());
    arrive(handle('a'));
    const rendered = element();
    arrive(handle('b'));
    rerender(rendered);
    rerender(element());
    await pass(20);
    expect(server.polls).toEqual([
        [
            ['a', 0],
            ['b', 0],
        ],
    ]);
    expect(layout.get('host')).toEqual({ handles: {} });
});

test('it follows handles that exist before the first rendering', async () => {
    arrive(handle('a'));
    render(element());
    await pass(20);
    expect(server.polls).toEqual([[['a', 0]]]);
});

test('jobs continue when the component leaves the page', async () => {
    arrive(handle('a'));
    render(element()).unmount();
    await pass(20);
    expect(server.polls).toEqual([[['a', 0]]]);
});

test('the clientside callback cancels the jobs of its Input', async () => {
    arrive(handle('a', { cancel: [['stop', 'n_clicks']] }), handle('b'));
    render(element());
    expect(change('stop.n_clicks')).toBeUndefined();
    await pass(20);
    expect(server.cancelled).toEqual([['a']]);
    expect(server.polls).toEqual([[['b', 0]]]);
});

test('a reloaded page follows its jobs again', () => {
    const kept = [
        handle('a', { running: [['button', 'disabled', true, false]] }),
    ];
    sessionStorage.setItem('/_dash-long-jobs', JSON.stringify(kept));
    render(element());
    expect(layout.get('button')).toEqual({ disabled: true });
    const payload: Props = { changedPropIds: [] };
    dashStore.getState().hooks.request_pre?.(payload);
    expect(payload.longJob).toMatchObject({ resumed: [['a', 'page', []]] });
});
