import { describe, expect, test, vi } from 'vitest';
import { deferred } from '../testing/deferred';
import {
    server,
    page,
    engine,
    setUpEngine,
    pass,
    start,
    polled,
    job,
    show,
    reload,
    result,
    storage,
} from '../testing/engine';
import { append } from '../testing/page';
import type { Status } from './wire/snapshot';
import type { Update } from './wire/update';

setUpEngine();

const LIBRARY = { type: '_js_dist', url: '/new.js' };

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

    test('shows its result, and resets running and progress', async () => {
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
        const files = [LIBRARY];
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
        show('a', 'succeeded', { ...result('done'), files: [LIBRARY] });
        await pass(20);
        engine.cancel(['stop.n_clicks']);
        loaded();
        await pass(1);
        expect(page.props('out')).toEqual({});
    });

    test('shows its result when a library loads at another attempt', async () => {
        vi.spyOn(page, 'load').mockRejectedValueOnce(new Error('no network'));
        start(job('a'));
        show('a', 'succeeded', { ...result('done'), files: [LIBRARY] });
        await pass(20);
        expect(page.props('button')).toEqual({ disabled: true });
        expect(engine.connection.state).toBe('reconnecting');
        expect(storage.getItem('jobs')).not.toBeNull();
        await pass(15_000);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports).toEqual([]);
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('leaves a result to the next page if a library does not load', async () => {
        page.load = () =>
            Promise.reject(new Error('/new.js could not be loaded'));
        start(job('a'));
        show('a', 'succeeded', { ...result('done'), files: [LIBRARY] });
        await pass(150_000);
        expect(page.props('out')).toEqual({});
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports[0]?.[0]).toContain('/new.js could not be loaded');
        expect(engine.runs.get('a')?.status).toBe('failed');
        expect(vi.getTimerCount()).toBe(0);
        reload();
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(storage.getItem('jobs')).toBeNull();
    });
});

describe('a job without a result', () => {
    test.each<Status>(['failed', 'timed_out', 'lost', 'rejected'])(
        'that is %s keeps its outputs and is reported',
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

    test('that the server does not know ends at any cursor', async () => {
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

    test('ends when the server refuses its poll', async () => {
        start(job('a'), job('b', { callbackKey: 'other' }));
        server.fail(401);
        await pass(20);
        expect(page.props('button')).toEqual({ disabled: false });
        const report =
            'Long callback lost: Refused: The server answered poll with 401: no. ' +
            'The job goes on. Log in, in another tab for instance; then retry, ' +
            'or load this page again.';
        expect(page.reports.map(([message]) => message)).toEqual([
            report,
            report,
        ]);
        expect(vi.getTimerCount()).toBe(0);
    });
});

describe('answers', () => {
    test('that are repeated or old change nothing', async () => {
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
    test('replaces the live job of its callback without a flicker', async () => {
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

    test('that arrives after the handle of a later trigger is cancelled', async () => {
        start(job('b', { seq: 2 }));
        start(job('a', { seq: 1 }));
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(polled()).toEqual([['b', 0]]);
    });

    test("is cancelled even if the later trigger's job has ended", async () => {
        start(job('b', { seq: 2 }));
        show('b', 'succeeded', result('new'));
        await pass(20);
        start(job('a', { seq: 1 }));
        show('a', 'succeeded', result('old'));
        await pass(1000);
        expect(server.cancelled).toEqual([['a']]);
        expect(page.props('out')).toEqual({ children: 'new' });
    });

    test('of another callback runs beside it', async () => {
        start(job('a'), job('b', { callbackKey: 'other' }));
        await pass(20);
        expect(polled()).toEqual([
            ['a', 0],
            ['b', 0],
        ]);
        expect(server.cancelled).toEqual([]);
    });

    test('of a parallel callback runs beside its live job', async () => {
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

    test('keeps the outputs and switches running off at once', () => {
        start(job('a'));
        engine.cancel(['stop.n_clicks']);
        expect(page.props('out')).toEqual({});
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.props('bar')).toEqual({ value: 0 });
        expect(page.marks.size).toBe(0);
    });

    test('cancels a job whose handle has not arrived yet', async () => {
        const seq = engine.triggerInfo({
            changedPropIds: ['button.n_clicks'],
        }).seq;
        engine.cancel(['stop.n_clicks']);
        await pass(100);
        start(job('a', { seq }));
        await pass(100);
        expect(page.calls).toEqual([]);
        expect(server.cancelled).toEqual([['a']]);
        expect(server.polls).toEqual([]);
    });

    test('wins over a start by the same event, in either order', async () => {
        const before = engine.triggerInfo({
            changedPropIds: ['button.n_clicks'],
        }).seq;
        engine.cancel(['stop.n_clicks']);
        const after = engine.triggerInfo({
            changedPropIds: ['button.n_clicks'],
        }).seq;
        await pass(1);
        start(
            job('a', { seq: before }),
            job('b', { seq: after, callbackKey: 'other' }),
        );
        await pass(1);
        expect(server.cancelled.flat()).toEqual(['a', 'b']);
    });

    test('does not cancel a job that starts later', async () => {
        engine.cancel(['stop.n_clicks']);
        await pass(1);
        start(
            job('a', {
                seq: engine.triggerInfo({ changedPropIds: ['button.n_clicks'] })
                    .seq,
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
    test('gets its updates, Patches in order, when it comes', async () => {
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

    test('gets what was streamed to its progress property', async () => {
        start(job('a', { progress: [['list', 'children', ['none']]] }));
        show('a', 'running', {
            props: [
                ['list', 'children', ['a']],
                ['list', 'children', append('b')],
            ],
        });
        await pass(20);
        page.add('list');
        expect(page.props('list')).toEqual({ children: ['a', 'b'] });
        page.remove('list');
        page.add('list');
        expect(page.props('list')).toEqual({ children: ['a', 'b'] });
        show('a', 'succeeded', {}, 2);
        await pass(1000);
        expect(page.props('list')).toEqual({ children: ['none'] });
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

test('an update that fails is reported, and the others are applied', async () => {
    start(job('a'));
    show('a', 'succeeded', {
        props: [['bar', 'children', append('x')]],
        ...result('done'),
    });
    await pass(20);
    expect(page.reports[0]?.[0]).toContain('bar');
    expect(page.props('out')).toEqual({ children: 'done' });
});

test('a queued job shows its new place, although its cursor is the same', async () => {
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

test('cancelling one run ends only its job', () => {
    start(job('a'), job('b', { callbackKey: 'other' }));
    engine.cancelRun('b');
    expect(server.cancelled).toEqual([['b']]);
    expect(engine.pending().map(({ handle }) => handle.token)).toEqual(['a']);
    expect(engine.runs.get('b')?.status).toBe('cancelled');
});

test('a replaced job disappears from the list', () => {
    start(job('a', { seq: 1 }));
    start(job('b', { seq: 2 }));
    expect(engine.runs.listed.map(({ id }) => id)).toEqual(['b']);
});
