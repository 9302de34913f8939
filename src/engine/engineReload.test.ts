import { describe, expect, test } from 'vitest';
import { RESTORED_MS } from './page/page';
import {
    server,
    page,
    storage,
    engine,
    setUpEngine,
    leave,
    reload,
    pass,
    start,
    polled,
    job,
    show,
    result,
} from '../testing/engine';

setUpEngine();

describe('a page that is loaded again', () => {
    test('continues with its jobs where they are', async () => {
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

    test('shows no result twice', async () => {
        start(job('a'));
        show('a', 'succeeded', result('done'));
        await pass(20);
        reload();
        await pass(1000);
        expect(page.calls).toEqual([]);
        expect(server.polls.length).toBe(1);
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('shows no result twice while another waits for its component', async () => {
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

    test('shows a result again that the page before showed when just restored', async () => {
        start(job('a'));
        page.isRestored = true;
        show('a', 'succeeded', result('done'));
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'done' });
        reload();
        await pass(20);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('shows a result once if the restored page has stayed', async () => {
        start(job('a'));
        page.isRestored = true;
        show('a', 'succeeded', result('done'));
        await pass(20 + RESTORED_MS);
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('does not follow cancelled jobs', () => {
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
                seq: engine.triggerInfo({ changedPropIds: ['button.n_clicks'] })
                    .seq,
            }),
        );
        expect(server.cancelled).toEqual([['a']]);
        expect(engine.pending().map(({ handle }) => handle.token)).toEqual([
            'b',
        ]);
    });

    test('sends resumed jobs, with their input digests, while they live', () => {
        const { page, seq } = engine.triggerInfo({});
        start(job('a', { seq, page, inputDigests: ['x'] }));
        expect(engine.triggerInfo({}).resumed).toBeUndefined();
        reload();
        expect(engine.triggerInfo({}).resumed).toEqual([
            ['callback', page, ['x']],
        ]);
        engine.cancelRun('a');
        expect(engine.triggerInfo({}).resumed).toBeUndefined();
    });

    test('sends with resumed jobs whether the page is untouched', () => {
        start(job('a'));
        page.isUntouched = true;
        reload();
        page.isUntouched = true;
        expect(engine.triggerInfo({}).untouched).toBe(true);
        page.isUntouched = false;
        expect(engine.triggerInfo({}).untouched).toBe(false);
    });

    test('continues in the lane of a resumed job while a job lives in it', () => {
        const { page } = engine.triggerInfo({});
        start(job('a', { seq: 7, page, retrigger: 'queue' }));
        reload();
        const { seq } = engine.triggerInfo({});
        expect(seq).toBeGreaterThan(7);
        start(job('b', { seq, page, retrigger: 'queue' }));
        engine.cancelRun('a');
        expect(engine.triggerInfo({}).resumed).toEqual([
            ['callback', page, []],
        ]);
        engine.cancelRun('b');
        expect(engine.triggerInfo({}).resumed).toBeUndefined();
    });

    test('still waits for the component of a result', async () => {
        page.remove('out');
        start(job('a'));
        show('a', 'succeeded', result('done'));
        await pass(20);
        reload('button', 'bar');
        await pass(20);
        page.add('out');
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(storage.getItem('jobs')).toBeNull();
    });

    test('works without room in the storage, but forgets its jobs', () => {
        storage.full = true;
        start(job('a'));
        expect(page.props('button')).toEqual({ disabled: true });
        reload();
        expect(page.calls).toEqual([]);
    });

    test('forgets what has ended if there is no room for what lives', async () => {
        start(job('a'));
        storage.full = true;
        start(job('b', { callbackKey: 'other' }));
        show('a', 'succeeded', result('done'));
        await pass(20);
        const polls = server.polls.length;
        reload();
        await pass(1000);
        expect(page.calls).toEqual([]);
        expect(server.polls.length).toBe(polls);
    });

    test('polls again for refused jobs, since the user may have logged in', async () => {
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

    test('does not poll for a refused job that was replaced since', async () => {
        start(job('a', { seq: 1 }));
        server.fail(403);
        await pass(20);
        start(job('b', { seq: 2 }));
        reload();
        await pass(20);
        expect(polled()).toEqual([['b', 0]]);
    });

    test('does not poll for a job that the endpoint itself refused', async () => {
        start(job('a'));
        server.fail(413, { 'Dash-Long-Jobs': 'refused' });
        await pass(20);
        expect(storage.getItem('jobs')).toBeNull();
    });
});

test('a page that the browser has kept goes on with the jobs of pages since', () => {
    const [first, kept] = [engine, page];
    first.take([job('old', { callbackKey: 'old', outputs: [] })]);
    reload();
    start(job('new', { seq: 5, run: 'run' }));
    leave();
    first.resume();
    first.take([job('last', { callbackKey: 'last' })]);
    expect(kept.props('button')).toEqual({ disabled: true });
    expect(first.runs.listed.map(({ id }) => id)).toContain('run');
    expect(first.triggerInfo({}).seq).toBeGreaterThan(5);
    reload();
    expect(engine.pending().map(({ handle }) => handle.token)).toEqual([
        'old',
        'new',
        'last',
    ]);
});

describe('a page that the browser has kept', () => {
    /** Let another page of the tab start a job with this `seq`, and come back. */
    const comeBack = (seq: number) => {
        const kept = engine;
        reload();
        start(job('new', { seq, run: 'run' }));
        leave();
        kept.resume();
        return kept;
    };

    test('has no request for a job of another page', () => {
        page.requests.set(2, { changedPropIds: ['own.n_clicks'] });
        expect(comeBack(2).runs.get('run')?.request).toBeUndefined();
    });

    test('has cancelled no job of another page', () => {
        engine.triggerInfo({});
        engine.triggerInfo({});
        engine.cancel(['stop.n_clicks']);
        const kept = comeBack(1);
        kept.cancel(['other.n_clicks']);
        expect(kept.pending().map(({ handle }) => handle.run)).toEqual(['run']);
        kept.cancel(['stop.n_clicks']);
        expect(kept.pending()).toEqual([]);
    });
});
