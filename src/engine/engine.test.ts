import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { deferred } from '../testing/deferred';
import { handle, hit } from '../testing/handle';
import { append, FakePage } from '../testing/page';
import { FakeServer } from '../testing/server';
import { FakeStorage } from '../testing/storage';
import { Client } from './network/client';
import { Engine } from './engine';
import { Memory } from './state/tabStorage';
import { Runs } from './state/runs';
import type { Status } from './wire/snapshot';
import type { Update } from './wire/update';

let server: FakeServer;
let page: FakePage;
let storage: FakeStorage;
let engine: Engine;

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const start = (...handles: ReturnType<typeof handle>[]) => {
    engine.take(handles);
};
const polled = () => server.polls[server.polls.length - 1];

/** The engine of a page that has just been loaded. */
const load = () => {
    const loaded = new Engine(
        page,
        new Client(() => ({ url: '/_dash-long-jobs/', init: {} })),
        new Memory('jobs'),
        new Memory('cancels'),
        new Runs(new Memory('runs')),
    );
    loaded.resume();
    return loaded;
};

beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    page = new FakePage('out', 'button', 'bar');
    storage = new FakeStorage();
    engine = load();
});

afterEach(() => {
    vi.useRealTimers();
});

const job = (token: string, more = {}) =>
    handle(token, {
        callbackKey: 'slot',
        outputs: [['out', 'children']],
        running: [['button', 'disabled', true, false]],
        progress: [['bar', 'value', 0]],
        cancel: [['stop', 'n_clicks']],
        ...more,
    });

const show = (token: string, status: Status, more = {}, cursor = 1) => {
    server.show(token, { cursor, status, ...more });
};

const result = (value: unknown) => ({
    result: { response: { out: { children: value } } },
});

describe('a job', () => {
    test('switches running on, progress to its default and marks its outputs', () => {
        start(job('a'));
        expect(page.props('button')).toEqual({ disabled: true });
        expect(page.props('bar')).toEqual({ value: 0 });
        expect([...page.marks]).toEqual(['out.children']);
        expect(page.props('out')).toEqual({});
    });

    test('shows progress and what set_props sets while it runs', async () => {
        start(job('a'));
        show('a', 'running', {
            progress: [['bar', 'value', 5]],
            props: [['out', 'title', 'half']],
        });
        await pass(20);
        expect(page.props('bar')).toEqual({ value: 5 });
        expect(page.props('out')).toEqual({ title: 'half' });
        expect(page.props('button')).toEqual({ disabled: true });
    });

    test('streams all of it again to a component that comes back', async () => {
        const set = (...values: unknown[]): Update[] =>
            values.map((value) => ['out', 'children', value]);
        start(job('a'));
        show('a', 'running', { props: set(['old'], [], append(1)) });
        await pass(20);
        page.remove('out');
        show('a', 'running', { props: set(append(2)) }, 2);
        await pass(1000);
        page.add('out');
        expect(page.props('out')).toEqual({ children: [1, 2] });
        page.remove('out');
        page.add('out');
        expect(page.props('out')).toEqual({ children: [1, 2] });
        show('a', 'succeeded', {}, 3);
        await pass(1000);
        page.remove('out');
        page.add('out');
        expect(page.props('out')).toEqual({});
        expect(page.watchers.size).toBe(0);
    });

    test('has no mark on an output that it streams', async () => {
        start(
            job('a', {
                outputs: [
                    ['out', 'children'],
                    ['out', 'title'],
                ],
            }),
        );
        show('a', 'running', { props: [['out', 'children', 'half']] });
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'half' });
        expect([...page.marks]).toEqual(['out.title']);
    });

    test('leaves its result, running off and progress at its default', async () => {
        start(job('a'));
        show('a', 'succeeded', {
            progress: [['bar', 'value', 9]],
            result: {
                sideUpdate: { '{"i":1,"type":"x"}': { title: 'set' } },
                response: { out: { children: 'done' } },
            },
        });
        page.add({ type: 'x', i: 1 });
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(page.props({ i: 1, type: 'x' })).toEqual({ title: 'set' });
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.props('bar')).toEqual({ value: 0 });
        expect(page.marks.size).toBe(0);
        expect(page.reports).toEqual([]);
    });

    test.each([null, 0, '', []])('may return %j', async (value) => {
        start(job('a'));
        show('a', 'succeeded', result(value));
        await pass(20);
        expect(page.props('out')).toEqual({ children: value });
    });

    test('may return the property that shows its progress', async () => {
        start(job('a', { progress: [['out', 'children', 'idle']] }));
        show('a', 'succeeded', result('done'));
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'done' });
    });

    test('leaves no timer, request or watcher behind', async () => {
        start(job('a'), job('b', { callbackKey: 'other' }));
        expect(page.watchers.size).toBe(1);
        await pass(20);
        show('a', 'succeeded', result(1));
        show('b', 'succeeded', result(2));
        await pass(1000);
        expect(vi.getTimerCount()).toBe(0);
        expect(page.watchers.size).toBe(0);
        const requests = server.requests.length;
        await pass(60_000);
        expect(server.requests.length).toBe(requests);
    });

    test('shows its result when the libraries it needs are loaded', async () => {
        const { promise, resolve: loaded } = deferred();
        page.loading = promise;
        const files = [{ type: '_js_dist', url: '/new.js' }];
        start(job('a'));
        show('a', 'succeeded', { ...result('done'), files });
        await pass(10_000);
        expect(page.loads).toEqual([files]);
        expect(page.props('button')).toEqual({ disabled: true });
        expect(server.polls.length).toBe(1);
        loaded();
        await pass(1);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.watchers.size).toBe(0);
    });

    test('shows nothing when it is cancelled while its libraries load', async () => {
        const { promise, resolve: loaded } = deferred();
        page.loading = promise;
        start(job('a'));
        show('a', 'succeeded', {
            ...result('done'),
            files: [{ type: '_js_dist', url: '/new.js' }],
        });
        await pass(20);
        engine.cancel(['stop.n_clicks']);
        loaded();
        await pass(1);
        expect(page.props('out')).toEqual({});
    });

    test('reports a library that can not be loaded', async () => {
        page.load = () =>
            Promise.reject(new Error('/new.js could not be loaded'));
        start(job('a'));
        show('a', 'succeeded', {
            ...result('done'),
            files: [{ type: '_js_dist', url: '/new.js' }],
        });
        await pass(20);
        expect(page.props('out')).toEqual({});
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports[0]?.[0]).toContain('/new.js could not be loaded');
    });
});

describe('a job without a result', () => {
    test.each<Status>(['failed', 'timed_out', 'lost', 'rejected'])(
        'that is %s leaves its outputs and is reported',
        async (status) => {
            start(job('a'));
            show('a', status, {
                error: {
                    type: 'ValueError',
                    message: 'bad',
                    task: 'app.work',
                    traceback: 'Traceback ...',
                },
            });
            await pass(20);
            expect(page.props('out')).toEqual({});
            expect(page.props('button')).toEqual({ disabled: false });
            expect(page.props('bar')).toEqual({ value: 0 });
            expect(page.marks.size).toBe(0);
            expect(page.reports).toEqual([
                [
                    `Long callback app.work ${status}: ValueError: bad`,
                    'Traceback ...',
                ],
            ]);
            expect(vi.getTimerCount()).toBe(0);
        },
    );

    test('that is cancelled elsewhere is silent', async () => {
        start(job('a'));
        show('a', 'cancelled');
        await pass(20);
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports).toEqual([]);
    });

    test('that the server does not know ends, whatever its cursor', async () => {
        start(job('a'));
        show('a', 'running', {}, 7);
        await pass(20);
        server.answer(() =>
            Response.json({
                next: 10,
                jobs: {
                    0: {
                        cursor: 0,
                        status: 'lost',
                        error: { type: 'Unknown', message: 'no such job' },
                    },
                },
            }),
        );
        await pass(1000);
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports).toEqual([
            ['Long callback lost: Unknown: no such job', undefined],
        ]);
    });

    test('ends when the server refuses to be asked', async () => {
        start(job('a'), job('b', { callbackKey: 'other' }));
        server.fail(401);
        await pass(20);
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports.map(([message]) => message)).toEqual([
            'Long callback lost: Refused: The server answered poll with 401: no',
            'Long callback lost: Refused: The server answered poll with 401: no',
        ]);
        expect(vi.getTimerCount()).toBe(0);
    });
});

describe('answers', () => {
    test('that are repeated or older than what is known change nothing', async () => {
        start(job('a'));
        show('a', 'running', { progress: [['bar', 'value', 5]] }, 5);
        await pass(20);
        for (const cursor of [5, 4]) {
            server.answer(() =>
                Response.json({
                    next: 10,
                    jobs: {
                        0: {
                            cursor,
                            status: 'running',
                            progress: [['bar', 'value', 4]],
                        },
                    },
                }),
            );
        }
        await pass(3000);
        expect(page.calls).not.toContainEqual(['bar', { value: 4 }]);
        expect(polled()).toEqual([['a', 5]]);
    });

    test('for a job that was replaced meanwhile show nothing', async () => {
        start(job('a'));
        show('a', 'succeeded', result('old'));
        const release = server.hold();
        await pass(20);
        start(job('b', { seq: 2 }));
        release();
        await pass(1);
        expect(page.props('out')).toEqual({});
        expect(page.props('button')).toEqual({ disabled: true });
    });

    test('for a job that was cancelled meanwhile show nothing', async () => {
        start(job('a'));
        show('a', 'succeeded', result('old'));
        const release = server.hold();
        await pass(20);
        engine.cancel(['stop.n_clicks']);
        release();
        await pass(1);
        expect(page.props('out')).toEqual({});
    });
});

describe('a new handle', () => {
    test('replaces the live job of its slot without a flicker', async () => {
        start(job('a'));
        await pass(20);
        page.calls.length = 0;
        start(job('b', { seq: 2 }));
        await pass(20);
        expect(page.calls).not.toContainEqual(['button', { disabled: false }]);
        expect(server.cancelled).toEqual([['a']]);
        expect(polled()).toEqual([['b', 0]]);
        show('b', 'succeeded', result('new'));
        await pass(1000);
        expect(page.props('out')).toEqual({ children: 'new' });
        expect(page.props('button')).toEqual({ disabled: false });
    });

    test('that arrives after that of a later trigger is cancelled', async () => {
        start(job('b', { seq: 2 }));
        start(job('a', { seq: 1 }));
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(polled()).toEqual([['b', 0]]);
    });

    test('is cancelled even if the job of the later trigger is over', async () => {
        start(job('b', { seq: 2 }));
        show('b', 'succeeded', result('new'));
        await pass(20);
        start(job('a', { seq: 1 }));
        show('a', 'succeeded', result('old'));
        await pass(1000);
        expect(server.cancelled).toEqual([['a']]);
        expect(page.props('out')).toEqual({ children: 'new' });
    });

    test('of another slot runs beside it', async () => {
        start(job('a'), job('b', { callbackKey: 'other' }));
        await pass(20);
        expect(polled()).toEqual([
            ['a', 0],
            ['b', 0],
        ]);
        expect(server.cancelled).toEqual([]);
    });

    test('of a parallel callback runs beside the one of its slot', async () => {
        start(
            job('b', { seq: 2, retrigger: 'parallel' }),
            job('a', { seq: 1, retrigger: 'parallel' }),
        );
        await pass(20);
        expect(polled()?.length).toBe(2);
    });

    test('that comes twice counts once', async () => {
        start(job('a'));
        start(job('a'));
        show('a', 'succeeded', result('done'));
        await pass(20);
        start(job('a'));
        await pass(1000);
        expect(server.polls.length).toBe(1);
        expect(server.cancelled).toEqual([]);
        expect(page.props('button')).toEqual({ disabled: false });
    });
});

describe('a change of a cancel Input', () => {
    test('cancels the jobs that name it, and no others', async () => {
        start(
            job('a'),
            job('b', { callbackKey: 'other', cancel: [['no', 'n_clicks']] }),
        );
        engine.cancel(['stop.n_clicks', 'unknown.n_clicks']);
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(polled()).toEqual([['b', 0]]);
    });

    test('leaves the outputs and switches running off at once', () => {
        start(job('a'));
        engine.cancel(['stop.n_clicks']);
        expect(page.props('out')).toEqual({});
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.props('bar')).toEqual({ value: 0 });
        expect(page.marks.size).toBe(0);
    });

    test('cancels a job whose handle has not arrived yet', async () => {
        const seq = engine.stamp({ changedPropIds: ['button.n_clicks'] }).seq;
        engine.cancel(['stop.n_clicks']);
        await pass(100);
        start(job('a', { seq }));
        await pass(100);
        expect(page.calls).toEqual([]);
        expect(server.cancelled).toEqual([['a']]);
        expect(server.polls).toEqual([]);
    });

    test('wins over a start of the same event, in either order', async () => {
        const before = engine.stamp({
            changedPropIds: ['button.n_clicks'],
        }).seq;
        engine.cancel(['stop.n_clicks']);
        const after = engine.stamp({ changedPropIds: ['button.n_clicks'] }).seq;
        await pass(1);
        start(
            job('a', { seq: before }),
            job('b', { seq: after, callbackKey: 'other' }),
        );
        await pass(1);
        expect(server.cancelled.flat()).toEqual(['a', 'b']);
    });

    test('does not cancel what is started later', async () => {
        engine.cancel(['stop.n_clicks']);
        await pass(1);
        start(
            job('a', {
                seq: engine.stamp({ changedPropIds: ['button.n_clicks'] }).seq,
            }),
        );
        await pass(20);
        expect(server.cancelled).toEqual([]);
        expect(polled()).toEqual([['a', 0]]);
    });

    test('leaves no timer or watcher behind', async () => {
        start(job('a'));
        engine.cancel(['stop.n_clicks']);
        await pass(1);
        expect(vi.getTimerCount()).toBe(0);
        expect(page.watchers.size).toBe(0);
    });

    test('reports a cancel that the server refuses', async () => {
        start(job('a'));
        server.fail(403);
        engine.cancel(['stop.n_clicks']);
        await pass(1);
        expect(page.reports).toEqual([
            [
                'Long callbacks not cancelled: The server answered cancel with 403: no',
            ],
        ]);
    });
});

describe('a component that is not on the page', () => {
    test('gets its updates, Patches in order, when it is there', async () => {
        start(job('a'));
        show('a', 'succeeded', {
            props: [
                ['list', 'children', ['dropped']],
                ['list', 'children', ['a']],
                ['list', 'children', append('b')],
                ['list', 'children', append('c')],
            ],
        });
        await pass(20);
        expect(page.watchers.size).toBe(1);
        page.add('list');
        expect(page.props('list')).toEqual({ children: ['a', 'b', 'c'] });
        expect(page.watchers.size).toBe(0);
    });

    test('gets running, progress and its mark when it comes (back)', async () => {
        start(job('a'));
        show('a', 'running', { progress: [['bar', 'value', 5]] });
        await pass(20);
        page.remove('button', 'bar', 'out');
        expect(page.marks.size).toBe(0);
        show('a', 'running', { progress: [['bar', 'value', 6]] }, 2);
        await pass(1000);
        page.add('button', 'bar', 'out');
        expect(page.props('button')).toEqual({ disabled: true });
        expect(page.props('bar')).toEqual({ value: 6 });
        expect([...page.marks]).toEqual(['out.children']);
    });

    test('is at rest when it comes back after the end', async () => {
        start(job('a'));
        page.remove('button', 'bar', 'out');
        show('a', 'succeeded', result('done'));
        await pass(20);
        page.add('button', 'bar', 'out');
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.props('bar')).toEqual({ value: 0 });
        expect(page.props('out')).toEqual({ children: 'done' });
    });
});

test('a mark that another callback has cleared is set again', () => {
    start(job('a'));
    page.marks.clear();
    page.changed();
    expect([...page.marks]).toEqual(['out.children']);
});

test('an update that can not be applied is reported, and the rest goes on', async () => {
    start(job('a'));
    show('a', 'succeeded', {
        props: [['bar', 'children', append('x')]],
        ...result('done'),
    });
    await pass(20);
    expect(page.reports[0]?.[0]).toContain('bar');
    expect(page.props('out')).toEqual({ children: 'done' });
});

describe('a page that is loaded again', () => {
    /** What a reload leaves: the storage and the server. */
    const reload = () => {
        vi.clearAllTimers();
        page = new FakePage('out', 'button', 'bar');
        engine = load();
    };

    test('goes on with its jobs where they are', async () => {
        start(job('a', { seq: 7 }));
        show('a', 'running', { progress: [['bar', 'value', 3]] });
        await pass(20);
        reload();
        expect(page.props('button')).toEqual({ disabled: true });
        await pass(20);
        expect(polled()).toEqual([['a', 0]]);
        expect(page.props('bar')).toEqual({ value: 3 });
        show('a', 'succeeded', result('done'), 2);
        await pass(1000);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(page.props('button')).toEqual({ disabled: false });
    });

    test('shows no job again that it has shown', async () => {
        start(job('a'));
        show('a', 'succeeded', result('done'));
        await pass(20);
        reload();
        await pass(1000);
        expect(page.calls).toEqual([]);
        expect(server.polls.length).toBe(1);
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('shows no job again for another that waits for its component', async () => {
        start(job('a', { callbackKey: 'other' }), job('b'));
        show('a', 'succeeded', {
            result: { response: { away: { children: 'waits' } } },
        });
        show('b', 'succeeded', result('shown'));
        await pass(20);
        reload();
        await pass(20);
        page.add('away');
        expect(page.props('away')).toEqual({ children: 'waits' });
        expect(page.props('out')).toEqual({});
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('has forgotten what was cancelled', () => {
        start(job('a'));
        engine.cancel(['stop.n_clicks']);
        reload();
        expect(page.calls).toEqual([]);
    });

    test('lets a new trigger replace a resumed job', () => {
        start(job('a', { seq: 7 }));
        reload();
        start(
            job('b', {
                seq: engine.stamp({ changedPropIds: ['button.n_clicks'] }).seq,
            }),
        );
        expect(server.cancelled).toEqual([['a']]);
        expect(engine.pending().map(({ handle }) => handle.token)).toEqual([
            'b',
        ]);
    });

    test('names resumed jobs, with what they were asked, while they live', () => {
        const { page, seq } = engine.stamp({});
        start(job('a', { seq, page, inputDigests: ['x'] }));
        expect(engine.stamp({}).resumed).toBeUndefined();
        reload();
        expect(engine.stamp({}).resumed).toEqual([['slot', page, ['x']]]);
        engine.cancelRun('a');
        expect(engine.stamp({}).resumed).toBeUndefined();
    });

    test('says with resumed jobs whether nobody has touched the page', () => {
        start(job('a'));
        page.isUntouched = true;
        reload();
        page.isUntouched = true;
        expect(engine.stamp({}).untouched).toBe(true);
        page.isUntouched = false;
        expect(engine.stamp({}).untouched).toBe(false);
    });

    test('goes on in the lane of a resumed job while anything lives in it', () => {
        const { page } = engine.stamp({});
        start(job('a', { seq: 7, page, retrigger: 'queue' }));
        reload();
        const { seq } = engine.stamp({});
        expect(seq).toBeGreaterThan(7);
        start(job('b', { seq, page, retrigger: 'queue' }));
        engine.cancelRun('a');
        expect(engine.stamp({}).resumed).toEqual([['slot', page, []]]);
        engine.cancelRun('b');
        expect(engine.stamp({}).resumed).toBeUndefined();
    });

    test('waits for the component of a result as before', async () => {
        page.remove('out');
        start(job('a'));
        show('a', 'succeeded', result('done'));
        await pass(20);
        vi.clearAllTimers();
        page = new FakePage('button', 'bar');
        engine = load();
        await pass(20);
        page.add('out');
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('forgets where there is no room to remember', () => {
        storage.full = true;
        start(job('a'));
        expect(page.props('button')).toEqual({ disabled: true });
        reload();
        expect(page.calls).toEqual([]);
    });

    test('asks again for what it was refused: there was a login since', async () => {
        start(job('a'));
        server.fail(401);
        await pass(20);
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports.length).toBe(1);
        reload();
        show('a', 'succeeded', result('done'));
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('asks no more for a job that was replaced since it was refused', async () => {
        start(job('a', { seq: 1 }));
        server.fail(403);
        await pass(20);
        start(job('b', { seq: 2 }));
        reload();
        await pass(20);
        expect(polled()).toEqual([['b', 0]]);
    });

    test('has forgotten what the endpoint itself has refused', async () => {
        start(job('a'));
        server.fail(413);
        await pass(20);
        expect(storage.getItem('jobs')).toBeNull();
    });
});

describe('a run that has ended', () => {
    const request = { changedPropIds: ['run.n_clicks'] };

    const fail = async () => {
        page.requests.set(3, request);
        start(job('a', { seq: 3 }));
        show('a', 'failed', { error: { type: 'E', message: 'bad' } });
        await pass(20);
    };

    test('is started again with its request, and shows what that brings', async () => {
        await fail();
        page.answer = () =>
            Promise.resolve({
                sideUpdate: { bar: { value: 1 } },
                response: { out: { children: 'cached' } },
            });
        await engine.retry('a');
        expect(page.sent).toMatchObject([[request, { seq: 1 }]]);
        expect(page.props('bar')).toEqual({ value: 1 });
        expect(page.props('out')).toEqual({ children: 'cached' });
        expect(engine.runs.get('a')?.retrying).toBe(false);
    });

    test('is started again once at a time, and not while it is live', async () => {
        await fail();
        await Promise.all([engine.retry('a'), engine.retry('a')]);
        expect(page.sent.length).toBe(1);
        page.requests.set(4, request);
        start(job('b', { seq: 4 }));
        await engine.retry('b');
        expect(page.sent.length).toBe(1);
    });

    test('says why it can not be started again', async () => {
        await fail();
        page.answer = () => Promise.reject(new Error('no answer'));
        await engine.retry('a');
        expect(engine.runs.get('a')).toMatchObject({
            status: 'failed',
            error: { type: 'NotStarted', message: 'no answer' },
            retrying: false,
        });
    });

    test('takes its reader to where it was started and to its output', async () => {
        page.location = '/here?x=1';
        await fail();
        page.location = '/there';
        engine.visit('a');
        expect(page.visits).toEqual([['/here?x=1', 'out']]);
    });
});

test('a queued job shows its place although its cursor stays', async () => {
    start(job('a', { view: 'job' }));
    show('a', 'queued', { queue: { position: 4, wait: null } });
    await pass(20);
    const place = () => engine.runs.of('job')?.queue?.position;
    expect(place()).toBe(4);
    server.answer(() =>
        Response.json({
            next: 1000,
            jobs: {
                0: {
                    cursor: 1,
                    status: 'queued',
                    queue: { position: 3, wait: null },
                },
            },
        }),
    );
    await pass(1000);
    expect(place()).toBe(3);
});

test('a run that is cancelled on the page alone ends its job', () => {
    start(job('a'), job('b', { callbackKey: 'other' }));
    engine.cancelRun('b');
    expect(server.cancelled).toEqual([['b']]);
    expect(engine.pending().map(({ handle }) => handle.token)).toEqual(['a']);
    expect(engine.runs.get('b')?.status).toBe('cancelled');
});

test('a job that is replaced leaves no trace in the list', () => {
    start(job('a', { seq: 1 }));
    start(job('b', { seq: 2 }));
    expect(engine.runs.listed.map(({ id }) => id)).toEqual(['b']);
});

describe('a result that sets what its callback is called by', () => {
    const clicked = (value: unknown, output = 'out.children') => ({
        output,
        changedPropIds: ['button.n_clicks'],
        inputs: [{ id: 'button', property: 'n_clicks', value }],
    });

    const begin = () => {
        const request = clicked(4);
        const { seq } = engine.stamp(request);
        page.requests.set(seq, request);
        start(job(`job-${seq}`, { seq }));
        return `job-${seq}`;
    };

    /** A job of a click that has set the clicks to zero. */
    const end = async () => {
        show(begin(), 'succeeded', {
            result: { response: { button: { n_clicks: 0 } } },
        });
        await pass(20);
    };

    test('does not start it again', async () => {
        await end();
        expect(engine.stamp(clicked(0)).ownResult).toBe(true);
        expect(engine.stamp(clicked(0)).ownResult).toBeUndefined();
    });

    test('does not hide what comes with it or after it', async () => {
        await end();
        expect(engine.stamp(clicked(1)).ownResult).toBeUndefined();
        expect(engine.stamp(clicked(0)).ownResult).toBeUndefined();
        await end();
        const other = { id: 'other', property: 'value', value: 0 };
        const both = clicked(0);
        expect(
            engine.stamp({
                ...both,
                changedPropIds: [...both.changedPropIds, 'other.value'],
                inputs: [...both.inputs, other],
            }).ownResult,
        ).toBeUndefined();
    });

    test('does not hide it from other callbacks, or from a page just loaded', async () => {
        await end();
        expect(
            engine.stamp(clicked(0, 'b.children')).ownResult,
        ).toBeUndefined();
        const loaded = { ...clicked(0), changedPropIds: [] as string[] };
        expect(engine.stamp(loaded).ownResult).toBeUndefined();
    });

    test('may be of a pattern', async () => {
        page.add({ type: 'x', i: 1 });
        show(begin(), 'succeeded', {
            result: { response: { '{"i":1,"type":"x"}': { value: [1] } } },
        });
        await pass(20);
        const item = { id: { type: 'x', i: 1 }, property: 'value', value: [1] };
        expect(
            engine.stamp({
                output: 'out.children',
                changedPropIds: ['{"i":1,"type":"x"}.value'],
                inputs: [[item]],
            }).ownResult,
        ).toBe(true);
    });
});

describe('a result from the cache', () => {
    const cached = (run: string, more = {}) =>
        hit(run, {
            callbackKey: 'slot',
            seq: 1,
            outputs: [['out', 'children']],
            running: [['button', 'disabled', true, false]],
            ...more,
        });

    /** As Dash does, before the handle is taken. */
    const shown = () => {
        page.setProps('out', { children: 'cached' });
    };

    test('asks for nothing, and nothing flickers', async () => {
        shown();
        const { length } = page.calls;
        engine.take([cached('a')]);
        await pass(60_000);
        expect(server.requests).toEqual([]);
        expect(page.calls.length).toBe(length);
        expect(page.marks.size).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('is one to see', () => {
        engine.take([cached('a', { view: 'view' })]);
        expect(engine.runs.of('view')).toMatchObject({
            status: 'succeeded',
            cached: { duration: 2, age: 1 },
        });
    });

    test('comes again and again', () => {
        engine.take([cached('a', { view: 'view' })]);
        engine.take([cached('b', { view: 'view', seq: 2 })]);
        expect(engine.runs.countOf('view')).toBe(2);
    });

    test('replaces the live job, and what it leaves does not show', async () => {
        start(job('a', { progress: [['out', 'children', 'idle']] }));
        show('a', 'succeeded', result('old'));
        shown();
        engine.take([cached('b')]);
        await pass(1000);
        expect(server.cancelled).toEqual([['a']]);
        expect(server.polls).toEqual([]);
        expect(page.props('out')).toEqual({ children: 'cached' });
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.marks.size).toBe(0);
    });

    test('is not overwritten before its handle is taken', async () => {
        start(job('a'));
        show('a', 'succeeded', result('old'));
        shown();
        page.untaken = [cached('b')];
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'cached' });
        engine.take(page.untaken);
        await pass(1000);
        expect(server.cancelled).toEqual([['a']]);
    });

    test('leaves a job alone that was started after it', async () => {
        start(job('a', { seq: 2 }));
        engine.take([cached('b', { seq: 1 })]);
        show('a', 'succeeded', result('new'));
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'new' });
        expect(server.cancelled).toEqual([]);
    });

    test('replaces a job whose handle comes after it', async () => {
        engine.take([cached('b', { seq: 2 })]);
        start(job('a', { seq: 1 }));
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(server.polls).toEqual([]);
    });

    test('comes beside the job of a callback that runs in parallel', async () => {
        start(job('a', { retrigger: 'parallel' }));
        engine.take([cached('b', { retrigger: 'parallel' })]);
        show('a', 'succeeded', result('late'));
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'late' });
    });
});

describe('a job that could not be started', () => {
    const error = { type: 'NotStarted', message: 'away', task: 'app.run' };
    const request = { changedPropIds: ['run.n_clicks'] };

    const fail = (run: string, more = {}) => {
        engine.take([
            { ...job(run, { view: 'view', error, ...more }), token: null },
        ]);
    };

    test('is one that has failed, and touches nothing', async () => {
        fail('a');
        await pass(60_000);
        expect(engine.runs.of('view')).toMatchObject({
            status: 'failed',
            error,
        });
        expect(engine.runs.listed.length).toBe(1);
        expect(engine.runs.countOf('view')).toBe(1);
        expect(page.calls).toEqual([]);
        expect(page.marks.size).toBe(0);
        expect(server.requests).toEqual([]);
        expect(storage.getItem('jobs')).toBeNull();
        expect(page.reports).toEqual([
            ['Long callback app.run failed: NotStarted: away', undefined],
        ]);
    });

    test('is started again with its request', async () => {
        page.requests.set(3, request);
        fail('a', { seq: 3 });
        await engine.retry('a');
        expect(page.sent).toMatchObject([[request, { seq: 1 }]]);
        start(job('b', { view: 'view' }));
        expect(engine.runs.of('view')?.status).toBe('queued');
        expect(engine.runs.countOf('view')).toBe(2);
    });

    test('replaces none', async () => {
        start(job('a', { seq: 1 }));
        fail('b', { seq: 3 });
        // Its answer was overtaken by that of the later one.
        start(job('c', { seq: 2 }));
        show('c', 'succeeded', result('done'));
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(page.props('out')).toEqual({ children: 'done' });
    });

    test('is not to be seen when a later trigger has got through', () => {
        start(job('a', { seq: 2, view: 'view' }));
        fail('b', { seq: 1 });
        expect(engine.runs.of('view')?.status).toBe('queued');
        expect(page.reports).toEqual([]);
    });

    test('is seen once, though its handle stays for a while', async () => {
        start(job('a'));
        page.untaken = [
            { ...job('b', { view: 'view', seq: 1, error }), token: null },
        ];
        await pass(1000);
        engine.take(page.untaken);
        expect(engine.runs.countOf('view')).toBe(1);
        expect(page.reports.length).toBe(1);
    });
});
