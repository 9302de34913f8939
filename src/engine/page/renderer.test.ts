import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeDashStore } from '../../testing/dashStore';
import { RESTORED_MS } from './page';
import { Renderer } from './renderer';
import { send as sendAgain } from './send';
import type { CallbackRequest } from '../wire/callbackRequest';
import type { Id } from '../wire/id';

let dashStore: FakeDashStore;
let renderer: Renderer;

beforeEach(() => {
    dashStore = new FakeDashStore();
    renderer = new Renderer(dashStore);
});

afterEach(() => {
    document.cookie = '_csrf_token=; max-age=0';
    document.cookie = 'xsrf=; max-age=0';
});

const request = (payload: CallbackRequest) => {
    dashStore.getState().hooks.request_pre?.(payload);
    return payload;
};

test('every callback request gets trigger info', () => {
    let seq = 0;
    renderer.addTriggerInfo(() => ({ page: 'p', seq: ++seq }));
    const info = (number: number) => ({ page: 'p', seq: number });
    expect(request({ output: 'a' })).toEqual({
        output: 'a',
        longJob: info(1),
    });
    expect(request({ output: 'b' })).toEqual({
        output: 'b',
        longJob: info(2),
    });
});

test('a request that Dash repeats keeps its trigger info', () => {
    let seq = 0;
    renderer.addTriggerInfo(() => ({ page: 'p', seq: ++seq }));
    expect(request(request({}))).toEqual({ longJob: { page: 'p', seq: 1 } });
});

test("the app's own hooks still run", () => {
    const request_pre = vi.fn();
    const hooks = { request_pre, request_post: vi.fn() };
    dashStore.set({ hooks });
    renderer.addTriggerInfo(() => ({ page: 'p', seq: 1 }));
    const payload = request({});
    expect(request_pre).toHaveBeenCalledExactlyOnceWith(payload);
    expect(dashStore.getState().hooks).toMatchObject({
        request_post: hooks.request_post,
    });
});

test("requests look like Dash's own", () => {
    dashStore.configure({
        requests_pathname_prefix: '/app/',
        fetch: { credentials: 'same-origin', headers: { Authorization: 'b' } },
    });
    document.cookie = 'other=1';
    document.cookie = '_csrf_token=a%20b';
    expect(renderer.endpoint()).toEqual({
        url: '/app/_dash-long-jobs/',
        init: {
            credentials: 'same-origin',
            headers: { Authorization: 'b', 'X-CSRFToken': 'a b' },
        },
    });
});

test('a meta tag may hold the CSRF token', () => {
    dashStore.configure({});
    document.head.innerHTML = '<meta name="csrf-token" content="from meta">';
    expect(renderer.endpoint().init.headers).toMatchObject({
        'X-CSRFToken': 'from meta',
    });
    document.cookie = '_csrf_token=cookie';
    expect(renderer.endpoint().init.headers).toMatchObject({
        'X-CSRFToken': 'cookie',
    });
    document.head.innerHTML = '';
});

test('the config names the CSRF cookie and header', () => {
    dashStore.configure({
        csrf_token_name: 'xsrf',
        csrf_header_name: 'X-Other',
    });
    document.cookie = 'xsrf=100%';
    expect(renderer.endpoint().init.headers).toEqual({ 'X-Other': '100%' });
});

test('components are found by their ids', () => {
    dashStore.place('a', { type: 'x', i: 1 }, { type: 'x', i: 2 });
    expect(renderer.path('a')).toEqual(['props', 'children', 0]);
    expect(renderer.path({ i: 2, type: 'x' })).toEqual([
        'props',
        'children',
        2,
    ]);
    expect(renderer.path('b')).toBeUndefined();
    expect(renderer.path({ i: 3, type: 'x' })).toBeUndefined();
    expect(renderer.path({ i: 1 })).toBeUndefined();
});

test('no component is found before Dash can set its properties', async () => {
    const changed = vi.fn();
    renderer.watch(changed);
    dashStore.set({ appLifecycle: 'STARTED', graphs: {} });
    dashStore.place('a', { i: 1 });
    expect(renderer.path('a')).toBeUndefined();
    expect(renderer.find({ i: ['ALL'] })).toEqual([]);
    expect(renderer.isRead('a', 'x')).toBe(false);
    await Promise.resolve();
    changed.mockClear();
    dashStore.set({ appLifecycle: 'HYDRATED' });
    await Promise.resolve();
    expect(changed).toHaveBeenCalledOnce();
    expect(renderer.path('a')).toBeDefined();
    expect(renderer.find({ i: ['ALL'] })).toEqual([{ i: 1 }]);
});

test('an error is reported in the console', () => {
    const error = vi.spyOn(console, 'error').mockReturnValue();
    renderer.report('It failed', 'Traceback');
    expect(error).toHaveBeenCalledExactlyOnceWith('It failed');
    expect(dashStore.actions).toEqual([]);
});

test("in debug mode Dash's dev tools show an error, too", () => {
    const error = vi.spyOn(console, 'error').mockReturnValue();
    dashStore.configure({ ui: true });
    renderer.report('It failed', 'Traceback');
    expect(error).toHaveBeenCalledExactlyOnceWith('It failed');
    expect(dashStore.actions).toEqual([
        {
            type: 'ON_ERROR',
            payload: {
                type: 'backEnd',
                error: { message: 'It failed', html: 'Traceback' },
            },
        },
    ]);
});

test('a watcher is called once, after all changes of one moment', async () => {
    const changed = vi.fn();
    renderer.watch(changed);
    dashStore.place('a');
    dashStore.place('b');
    dashStore.set({ loading: {} });
    expect(changed).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(changed).toHaveBeenCalledOnce();
    dashStore.place('c');
    await Promise.resolve();
    expect(changed).toHaveBeenCalledTimes(2);
});

test('a watcher is not called for other changes, or for its own', async () => {
    const changed = vi.fn(() => {
        dashStore.place('mine');
    });
    renderer.watch(changed);
    dashStore.configure({ ui: true });
    await Promise.resolve();
    expect(changed).not.toHaveBeenCalled();
    dashStore.place('a');
    await new Promise((resolve) => setTimeout(resolve));
    dashStore.configure({ ui: false });
    await Promise.resolve();
    expect(changed).toHaveBeenCalledOnce();
});

test('a watcher that has thrown is called again', async () => {
    const thrown: unknown[] = [];
    vi.spyOn(window, 'queueMicrotask').mockImplementation((task) => {
        void Promise.resolve()
            .then(task)
            .catch((error: unknown) => thrown.push(error));
    });
    const changed = vi.fn(() => {
        throw new Error('bad');
    });
    renderer.watch(changed);
    dashStore.place('a');
    await new Promise((resolve) => setTimeout(resolve));
    dashStore.place('b');
    await new Promise((resolve) => setTimeout(resolve));
    expect(changed).toHaveBeenCalledTimes(2);
    expect(thrown).toEqual([new Error('bad'), new Error('bad')]);
});

test('a watcher can be removed', async () => {
    const changed = vi.fn();
    renderer.watch(changed)();
    dashStore.place('a');
    await Promise.resolve();
    expect(changed).not.toHaveBeenCalled();
    expect(dashStore.listeners.size).toBe(0);
});

test('the components of a pattern are found in the order of the layout', () => {
    dashStore.place({ b: 2, a: 1 }, 'x', { a: 1, b: 1 }, { a: 2, b: 3 });
    expect(renderer.find({ a: 1, b: ['ALL'] })).toEqual([
        { a: 1, b: 2 },
        { a: 1, b: 1 },
    ]);
    expect(renderer.find('x')).toEqual(['x']);
    expect(renderer.find('y')).toEqual([]);
});

test('trigger info may depend on the request', () => {
    const next = vi.fn(() => ({ page: 'p', seq: 1 }));
    renderer.addTriggerInfo(next);
    const payload = request({ changedPropIds: [] });
    expect(next).toHaveBeenCalledExactlyOnceWith(payload);
});

test('a sent request is found by its `seq`', () => {
    renderer.addTriggerInfo(() => ({ page: 'p', seq: 7 }));
    const payload = request({ output: 'a' });
    expect(renderer.request(7)).toBe(payload);
    expect(renderer.request(7)).toBeUndefined();
});

describe('a request that is sent again', () => {
    const payload: CallbackRequest = {
        output: 'out.children',
        changedPropIds: [],
        longJob: { page: 'p', seq: 1 },
    };
    let answer: Response;
    let fetch: ReturnType<typeof vi.fn>;

    beforeEach(() => {
        dashStore.configure({ requests_pathname_prefix: '/app/' });
        fetch = vi.fn(() => Promise.resolve(answer));
        vi.stubGlobal('fetch', fetch);
        window.dash_long_components_send = sendAgain;
    });

    const send = () => renderer.send(payload, { page: 'p', seq: 2 });

    test("looks like Dash's own, with new trigger info", async () => {
        const request_pre = vi.fn();
        dashStore.set({ hooks: { request_pre } });
        renderer.addTriggerInfo(() => ({ page: 'p', seq: 99 }));
        answer = Response.json({ response: {} });
        expect(await send()).toEqual({ response: {} });
        const [url, init] = fetch.mock.calls[0] as [string, RequestInit];
        expect(url).toBe('/app/_dash-update-component');
        expect(init.method).toBe('POST');
        const sent = { ...payload, longJob: { page: 'p', seq: 2 } };
        expect(JSON.parse(init.body as string)).toEqual(sent);
        expect(request_pre).toHaveBeenCalledExactlyOnceWith(sent);
        expect(renderer.request(2)).toEqual(sent);
        expect(payload.longJob).toEqual({ page: 'p', seq: 1 });
    });

    test('may have an answer without updates', async () => {
        answer = new Response(null, { status: 204 });
        expect(await send()).toEqual({});
    });

    test('says why it failed', async () => {
        answer = new Response('', { status: 500 });
        await expect(send()).rejects.toThrow('answered with 500');
        fetch.mockRejectedValue(new TypeError('Failed to fetch'));
        await expect(send()).rejects.toThrow('did not respond');
    });
});

test('it knows which properties callbacks read', () => {
    const row = { type: 'job', index: { wild: 'ALL' } } as never;
    dashStore.set({
        graphs: {
            callbacks: [
                {
                    inputs: [{ id: 'job', property: 'status' }],
                    state: [
                        { id: 'job', property: 'elapsed' },
                        { id: row, property: 'eta' },
                    ],
                },
            ],
        },
    });
    expect(renderer.isRead('job', 'status')).toBe(true);
    expect(renderer.isRead('job', 'elapsed')).toBe(true);
    expect(renderer.isRead('job', 'eta')).toBe(false);
    expect(renderer.isRead('other', 'status')).toBe(false);
    expect(renderer.isRead({ type: 'job', index: 1 }, 'eta')).toBe(true);
});

test('new handles are found in the layout', () => {
    const getLayout = vi.fn(() => ({
        props: { handles: { run: { token: null, callbackKey: 's' } } },
    }));
    vi.stubGlobal('dash_component_api', { getLayout });
    expect(renderer.handles()).toEqual([]);
    dashStore.place('out', '_dash-long-jobs');
    expect(renderer.handles()).toEqual([
        { token: null, callbackKey: 's', run: 'run' },
    ]);
    vi.unstubAllGlobals();
});

test('a page is untouched if the browser says so', () => {
    expect(renderer.isUntouched).toBe(false);
    const userActivation = { hasBeenActive: false };
    vi.stubGlobal('navigator', { userActivation });
    expect(renderer.isUntouched).toBe(true);
    userActivation.hasBeenActive = true;
    expect(renderer.isUntouched).toBe(false);
    vi.unstubAllGlobals();
});

test('a page is restored for a while after it comes from the cache of the browser', () => {
    vi.useFakeTimers();
    const show = (persisted: boolean) =>
        window.dispatchEvent(
            new PageTransitionEvent('pageshow', { persisted }),
        );
    show(false);
    expect(renderer.isRestored).toBe(false);
    show(true);
    expect(renderer.isRestored).toBe(true);
    vi.advanceTimersByTime(RESTORED_MS);
    expect(renderer.isRestored).toBe(false);
    vi.useRealTimers();
});

describe('an id with a name that every object inherits', () => {
    const names = ['__proto__', 'toString', 'constructor'];
    const dictId = (name: string) => ({
        ...(JSON.parse(`{"${name}":1}`) as object),
    });

    test.each(names)('is not on the page: %s', (name) => {
        expect(renderer.path(name)).toBeUndefined();
        expect(renderer.path(dictId(name))).toBeUndefined();
        expect(renderer.find(dictId(name))).toEqual([]);
        expect(
            renderer.find(JSON.parse(`{"${name}":["ALL"]}`) as object as Id),
        ).toEqual([]);
    });

    test.each(['toString', 'constructor'])('is found: %s', (name) => {
        dashStore.place(name, { [name]: 1 });
        expect(renderer.path(name)).toEqual(['props', 'children', 0]);
        expect(renderer.find({ [name]: ['ALL'] })).toEqual([{ [name]: 1 }]);
    });
});
