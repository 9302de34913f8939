import { expect, test } from 'vitest';
import {
    engine,
    job,
    page,
    pass,
    polled,
    reload,
    result,
    server,
    setUpEngine,
    show,
    start,
    storage,
} from '../testing/engine';
import { append } from '../testing/page';

setUpEngine();

/** Start a job, and have a guard of the app refuse its poll. */
async function refuse(seq = 1): Promise<void> {
    start(job('a', { seq, run: 'run', view: 'view' }));
    server.fail(401);
    await pass(20);
    expect(page.props('button')).toEqual({ disabled: false });
    expect(engine.runs.get('run')).toMatchObject({ status: 'lost' });
}

/** Show the page again, as after a login in another tab. */
const comeBack = () => window.dispatchEvent(new Event('pageshow'));

/** Let the job end; the page has to show its result, and to forget the job. */
async function end(): Promise<void> {
    show('a', 'succeeded', result('done'), 2);
    await pass(5000);
    expect(page.props('out')).toEqual({ children: 'done' });
    expect(engine.runs.get('run')).toMatchObject({
        status: 'succeeded',
        error: undefined,
    });
    expect(storage.getItem('jobs')).toBeNull();
}

test('a retry follows the refused job again, and starts no other one', async () => {
    await refuse();
    show('a', 'running');
    await engine.retry('run');
    expect(page.props('button')).toEqual({ disabled: true });
    await pass(20);
    expect(engine.runs.get('run')).toMatchObject({ status: 'running' });
    expect(engine.runs.countOf('view')).toBe(1);
    expect(page.sent).toEqual([]);
    await end();
});

test('a retry that is refused as well says so, and can be repeated', async () => {
    await refuse();
    server.fail(401);
    await engine.retry('run');
    await pass(20);
    expect(engine.runs.get('run')?.error?.message).toContain('poll with 401');
    await engine.retry('run');
    await end();
});

test('the answer to a poll for another job lets the refused one go on', async () => {
    await refuse();
    start(job('b', { seq: 2, callbackKey: 'other' }));
    await pass(20);
    expect(polled()).toEqual([['b', 0]]);
    await pass(20);
    expect(polled()).toEqual([
        ['b', 0],
        ['a', 0],
    ]);
    engine.cancelRun('b');
    await end();
});

test('a page that is shown again asks once, quietly', async () => {
    await refuse();
    const { polls } = server;
    for (const count of [2, 3]) {
        server.fail(401);
        comeBack();
        await pass(60_000);
        expect(polls.length).toBe(count);
    }
    expect(page.reports.length).toBe(1);
    expect(engine.runs.get('run')).toMatchObject({ status: 'lost' });
    comeBack();
    await end();
});

test('a page without refused jobs asks nothing when it is shown again', async () => {
    comeBack();
    await pass(60_000);
    expect(server.requests).toEqual([]);
});

test('a refused job that was replaced does not come back', async () => {
    await refuse();
    start(job('b', { seq: 2 }));
    await pass(20);
    await pass(20);
    expect(polled()).toEqual([['b', 0]]);
});

test.each<[string, () => void]>([
    [
        'its view',
        () => {
            engine.cancelView('view');
        },
    ],
    [
        'a cancel Input',
        () => {
            engine.cancel(['stop.n_clicks']);
        },
    ],
])('%s cancels a refused job, which does not come back', async (_, cancel) => {
    await refuse(0);
    cancel();
    await pass(0);
    expect(server.cancelled).toEqual([['a']]);
    expect(engine.runs.get('run')).toMatchObject({
        status: 'cancelled',
        error: undefined,
    });
    await engine.retry('run');
    reload();
    await pass(60_000);
    expect(server.polls.length).toBe(1);
});

test('a refused job that a new one replaces is cancelled', async () => {
    await refuse();
    start(job('b', { seq: 2 }));
    await pass(0);
    expect(server.cancelled).toEqual([['a']]);
});

test('a refused job counts for the next trigger of its page', async () => {
    start(job('a', { run: 'run', page: 'before' }));
    server.fail(401);
    await pass(20);
    expect(engine.triggerInfo({}).resumed).toMatchObject([
        ['callback', 'before', []],
    ]);
});

test('a refused job goes on where it was, and shows nothing twice', async () => {
    page.add('file');
    page.setProps('out', { children: ['old'] });
    start(job('a', { run: 'run', view: 'view' }));
    show('a', 'running', {
        elapsed: 5,
        progress: [['bar', 'value', 3]],
        props: [
            ['out', 'children', append('row')],
            ['file', 'data', 'x'],
            ['away', 'children', 'kept'],
        ],
    });
    await pass(20);
    server.fail(401);
    await pass(5000);
    expect(page.props('bar')).toEqual({ value: 0 });
    await engine.retry('run');
    expect(page.props('bar')).toEqual({ value: 3 });
    expect(page.props('button')).toEqual({ disabled: true });
    await pass(20);
    expect(polled()).toEqual([['a', 1]]);
    expect(engine.runs.get('run')).toMatchObject({
        status: 'running',
        elapsed: 5,
    });
    expect(engine.runs.get('run')?.error).toBeUndefined();
    expect(page.props('out')).toEqual({ children: ['old', 'row'] });
    expect(page.calls.filter(([id]) => id === 'file').length).toBe(1);
    page.add('away');
    await pass(0);
    expect(page.props('away')).toEqual({ children: 'kept' });
});

test('what a refused job has set is on its component whenever that is there', async () => {
    start(job('a', { run: 'run' }));
    show('a', 'running', { props: [['out', 'children', 'so far']] });
    await pass(20);
    server.fail(401);
    await pass(5000);
    page.remove('out');
    page.add('out');
    expect(page.props('out')).toEqual({ children: 'so far' });
    await engine.retry('run');
    await pass(20);
    expect(page.props('out')).toEqual({ children: 'so far' });
});

test('a cancel that a guard refused is sent again when a job starts', async () => {
    start(job('a'));
    server.fail(401);
    engine.cancelRun('a');
    await pass(1000);
    expect(server.cancelled).toEqual([['a']]);
    start(job('b', { callbackKey: 'other' }));
    await pass(0);
    expect(server.cancelled).toEqual([['a'], ['a']]);
    expect(storage.getItem('cancels')).toBeNull();
});
