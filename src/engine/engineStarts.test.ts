import { describe, expect, test, vi } from 'vitest';
import {
    server,
    page,
    storage,
    engine,
    setUpEngine,
    pass,
    start,
    job,
    show,
    result,
    reload,
} from '../testing/engine';
import { hit } from '../testing/handle';

setUpEngine();

describe('a run that has ended', () => {
    const request = { changedPropIds: ['run.n_clicks'] };

    const fail = async () => {
        page.requests.set(3, request);
        start(job('a', { seq: 3 }));
        show('a', 'failed', { error: { type: 'E', message: 'bad' } });
        await pass(20);
    };

    test('is started again with its request, and shows the answer', async () => {
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

    test('is not started twice at a time, or while it is live', async () => {
        await fail();
        await Promise.all([engine.retry('a'), engine.retry('a')]);
        expect(page.sent.length).toBe(1);
        page.requests.set(4, request);
        start(job('b', { seq: 4 }));
        await engine.retry('b');
        expect(page.sent.length).toBe(1);
    });

    test("shows why it can't be started again", async () => {
        await fail();
        page.answer = () => Promise.reject(new Error('no answer'));
        await engine.retry('a');
        expect(engine.runs.get('a')).toMatchObject({
            status: 'failed',
            error: {
                type: 'NotStarted',
                message: 'Could not start: no answer',
            },
            retrying: false,
        });
    });

    test('says so if the script that starts it again can not be loaded', async () => {
        await fail();
        page.loading = Promise.reject(new Error('no script'));
        await engine.retry('a');
        expect(engine.runs.get('a')?.error?.message).toBe(
            'Could not start: no script',
        );
        expect(page.sent).toEqual([]);
        page.loading = Promise.resolve();
        await engine.retry('a');
        expect(page.sent.length).toBe(1);
    });

    test('leads to the page where it was started and to its output', async () => {
        page.location = '/here?x=1';
        await fail();
        page.location = '/there';
        engine.visit('a');
        expect(page.visits).toEqual([['/here?x=1', 'out']]);
    });
});

describe('a result that sets an Input of its callback', () => {
    const clicked = (value: unknown, output = 'out.children') => ({
        output,
        changedPropIds: ['button.n_clicks'],
        inputs: [{ id: 'button', property: 'n_clicks', value }],
    });

    const begin = () => {
        const request = clicked(4);
        const { seq } = engine.triggerInfo(request);
        page.requests.set(seq, request);
        start(job(`job-${seq}`, { seq }));
        return `job-${seq}`;
    };

    /** Run a job whose result sets the clicks back to zero. */
    const end = async () => {
        show(begin(), 'succeeded', {
            result: { response: { button: { n_clicks: 0 } } },
        });
        await pass(20);
    };

    test('does not start it again', async () => {
        await end();
        expect(engine.triggerInfo(clicked(0)).ownResult).toBe(true);
        expect(engine.triggerInfo(clicked(0)).ownResult).toBeUndefined();
    });

    test('does not hide changes that come with it or after it', async () => {
        await end();
        expect(engine.triggerInfo(clicked(1)).ownResult).toBeUndefined();
        expect(engine.triggerInfo(clicked(0)).ownResult).toBeUndefined();
        await end();
        const other = { id: 'other', property: 'value', value: 0 };
        const both = clicked(0);
        expect(
            engine.triggerInfo({
                ...both,
                changedPropIds: [...both.changedPropIds, 'other.value'],
                inputs: [...both.inputs, other],
            }).ownResult,
        ).toBeUndefined();
    });

    test('does not hide changes from other callbacks, or after a page load', async () => {
        await end();
        expect(
            engine.triggerInfo(clicked(0, 'b.children')).ownResult,
        ).toBeUndefined();
        const loaded = { ...clicked(0), changedPropIds: [] as string[] };
        expect(engine.triggerInfo(loaded).ownResult).toBeUndefined();
    });

    test('may set an Input of a pattern', async () => {
        page.add({ type: 'x', i: 1 });
        show(begin(), 'succeeded', {
            result: { response: { '{"i":1,"type":"x"}': { value: [1] } } },
        });
        await pass(20);
        const item = { id: { type: 'x', i: 1 }, property: 'value', value: [1] };
        expect(
            engine.triggerInfo({
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
            callbackKey: 'callback',
            seq: 1,
            outputs: [['out', 'children']],
            running: [['button', 'disabled', true, false]],
            ...more,
        });

    /** Show the result as Dash does, before the engine takes the handle. */
    const shown = () => {
        page.setProps('out', { children: 'cached' });
    };

    test('sends no request, and nothing flickers', async () => {
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

    test('is shown as a run', () => {
        engine.take([cached('a', { view: 'view' })]);
        expect(engine.runs.of('view')).toMatchObject({
            status: 'succeeded',
            cached: { duration: 2, age: 1 },
        });
    });

    test('may come several times', () => {
        engine.take([cached('a', { view: 'view' })]);
        engine.take([cached('b', { view: 'view', seq: 2 })]);
        expect(engine.runs.countOf('view')).toBe(2);
    });

    test("replaces the live job without showing that job's rest values", async () => {
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

    test('is not overwritten before the engine takes its handle', async () => {
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

    test('does not replace a job that was started later', async () => {
        start(job('a', { seq: 2 }));
        engine.take([cached('b', { seq: 1 })]);
        show('a', 'succeeded', result('new'));
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'new' });
        expect(server.cancelled).toEqual([]);
    });

    test('replaces a job whose handle arrives later', async () => {
        engine.take([cached('b', { seq: 2 })]);
        start(job('a', { seq: 1 }));
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(server.polls).toEqual([]);
    });

    test('does not replace a job of a parallel callback', async () => {
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

    test('is shown as failed, and changes nothing on the page', async () => {
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

    test('replaces no job', async () => {
        start(job('a', { seq: 1 }));
        fail('b', { seq: 3 });
        // The answer of the later trigger has overtaken its own.
        start(job('c', { seq: 2 }));
        show('c', 'succeeded', result('done'));
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(page.props('out')).toEqual({ children: 'done' });
    });

    test('is not shown after a later trigger has succeeded', () => {
        start(job('a', { seq: 2, view: 'view' }));
        fail('b', { seq: 1 });
        expect(engine.runs.of('view')?.status).toBe('queued');
        expect(page.reports).toEqual([]);
    });

    test('is shown once, although its handle stays for a while', async () => {
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

describe('a job whose end comes with its handle', () => {
    const short = (token: string, more = {}) =>
        job(token, {
            end: { cursor: 3, status: 'succeeded', ...result('done') },
            ...more,
        });

    test('shows its result without a poll', async () => {
        start(short('a'));
        expect(page.props('button')).toEqual({ disabled: true });
        await pass(5000);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(page.props('button')).toEqual({ disabled: false });
        expect(engine.runs.get('a')?.status).toBe('succeeded');
        expect(server.polls).toEqual([]);
    });

    test('shows it after a reload in between, too', async () => {
        start(short('a'));
        expect(storage.getItem('jobs')).not.toContain('done');
        reload();
        show('a', 'succeeded', result('done'), 3);
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'done' });
    });

    test('does not end once it is cancelled or replaced', async () => {
        start(short('a'));
        engine.cancel(['stop.n_clicks']);
        start(short('b', { seq: 5 }), job('c', { seq: 6 }));
        await pass(20);
        expect(page.props('out')).toEqual({});
        expect(engine.runs.get('a')?.status).toBe('cancelled');
    });

    test('leaves jobs that the server can not reach as they are', async () => {
        server.unreachable = ['b'];
        start(job('b', { callbackKey: 'other' }));
        await pass(20);
        start(short('a'));
        await pass(0);
        expect(engine.runs.get('a')?.status).toBe('succeeded');
        expect(engine.runs.get('b')?.isUnreachable).toBe(true);
    });
});
