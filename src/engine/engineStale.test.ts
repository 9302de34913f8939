import { describe, expect, test } from 'vitest';
import { append } from '../testing/page';
import {
    server,
    page,
    storage,
    engine,
    setUpEngine,
    reload,
    pass,
    start,
    job,
    show,
    result,
} from '../testing/engine';

setUpEngine();

/** Show an old result as Dash does, with the handle of the job that refreshes it. */
const refresh = (token: string, more = {}) => {
    page.setProps('out', { children: ['old'] });
    start(job(token, { view: 'view', stale: { age: 300 }, ...more }));
};

const out = () => page.props('out')?.children;
const shown = () => engine.runs.of('view');

describe('a job that refreshes an old result', () => {
    test('leaves the page as it is until it succeeds', async () => {
        refresh('a');
        show('a', 'running', {
            progress: [['bar', 'value', 3]],
            props: [
                ['out', 'children', ['half']],
                ['button', 'title', 'set by the job'],
            ],
        });
        await pass(20);
        expect(out()).toEqual(['old']);
        expect(page.props('bar')).toEqual({});
        expect(page.props('button')).toEqual({ title: 'set by the job' });
        expect(page.marks.size).toBe(0);
        expect(shown()).toMatchObject({
            status: 'running',
            stale: { age: 300 },
        });
        show('a', 'succeeded', result(['new']), 2);
        await pass(1000);
        expect(out()).toEqual(['new']);
        expect(page.props('button')).toEqual({ title: 'set by the job' });
        expect(shown()).toMatchObject({
            status: 'succeeded',
            stale: undefined,
        });
    });

    test('shows what it has streamed when it succeeds, in order', async () => {
        refresh('a');
        show('a', 'running', { props: [['out', 'children', ['new']]] });
        await pass(20);
        show(
            'a',
            'succeeded',
            {
                props: [['out', 'children', append('more')]],
                result: { response: {} },
            },
            2,
        );
        await pass(1000);
        expect(out()).toEqual(['new', 'more']);
        expect(shown()?.stale).toBeUndefined();
    });

    test.each(['failed', 'cancelled', 'lost', 'rejected'] as const)(
        'keeps the old result if it is %s, and says so',
        async (status) => {
            refresh('a');
            show('a', status, {
                props: [['out', 'children', ['half']]],
                error: { type: 'E', message: 'bad' },
            });
            await pass(20);
            expect(out()).toEqual(['old']);
            expect(shown()).toMatchObject({ status, stale: { age: 300 } });
        },
    );

    test('keeps the old result if the user cancels it', async () => {
        refresh('a');
        await pass(20);
        engine.cancelRun('a');
        await pass(1000);
        expect(server.cancelled).toEqual([['a']]);
        expect(out()).toEqual(['old']);
        expect(shown()).toMatchObject({
            status: 'cancelled',
            stale: { age: 300 },
        });
    });

    test('shows the old result again when its component comes back', async () => {
        refresh('a');
        await pass(1000);
        page.remove('out');
        await pass(1000);
        page.add('out');
        expect(out()).toEqual(['old']);
        show('a', 'failed', { error: { type: 'E', message: 'bad' } });
        await pass(5000);
        expect(out()).toEqual(['old']);
    });

    test('shows its result when its component comes back later', async () => {
        refresh('a');
        await pass(1000);
        page.remove('out');
        show('a', 'succeeded', result(['new']));
        await pass(5000);
        page.calls.length = 0;
        page.add('out');
        expect(page.calls).toEqual([['out', { children: ['new'] }]]);
    });

    test('leaves alone what a later result has put in place of the old one', async () => {
        refresh('a');
        show('a', 'succeeded', result(['new']));
        await pass(5000);
        page.remove('out');
        page.calls.length = 0;
        page.add('out');
        expect(page.calls).toEqual([]);
    });

    test('marks the result as old if it has updated nothing', async () => {
        refresh('a');
        show('a', 'succeeded');
        await pass(20);
        expect(shown()).toMatchObject({
            status: 'succeeded',
            stale: { age: 300 },
        });
    });

    test('marks the result as old if it has updated only a part', async () => {
        refresh('a', {
            outputs: [
                ['out', 'children'],
                ['bar', 'value'],
            ],
        });
        show('a', 'succeeded', result('new'));
        await pass(20);
        expect(out()).toBe('new');
        expect(shown()?.stale).toEqual({ age: 300 });
    });

    test('replaces a job, whose rest values do not hide the old result', async () => {
        start(job('a', { progress: [['out', 'children', 'idle']] }));
        expect(page.props('button')).toEqual({ disabled: true });
        refresh('b', { seq: 1 });
        expect(page.props('button')).toEqual({ disabled: false });
        await pass(20);
        expect(server.cancelled).toEqual([['a']]);
        expect(out()).toEqual(['old']);
    });

    test('is not overtaken by a job that it replaces', async () => {
        start(job('a'));
        show('a', 'succeeded', result('of other inputs'));
        page.setProps('out', { children: 'old' });
        page.untaken = [job('b', { seq: 1, stale: { age: 300 } })];
        await pass(20);
        expect(out()).toBe('old');
    });

    test('that could not be started keeps the old result', () => {
        const error = { type: 'NotStarted', message: 'away' };
        page.setProps('out', { children: 'old' });
        engine.take([
            {
                ...job('a', { view: 'view', error, stale: { age: 300 } }),
                token: null,
            },
        ]);
        expect(out()).toBe('old');
        expect(shown()).toMatchObject({
            status: 'failed',
            error,
            stale: { age: 300 },
        });
    });

    test('that could not be started replaces the job of other inputs', async () => {
        start(job('a'));
        page.setProps('out', { children: 'old' });
        engine.take([
            {
                ...job('b', { seq: 1, stale: { age: 300 } }),
                error: { type: 'NotStarted', message: 'away' },
                token: null,
            },
        ]);
        show('a', 'succeeded', result('of other inputs'));
        await pass(1000);
        expect(server.cancelled).toEqual([['a']]);
        expect(out()).toBe('old');
    });
});

describe('a page that is loaded again during a refresh', () => {
    test('waits for the result, like for that of any job', async () => {
        refresh('a');
        reload();
        expect(page.props('button')).toEqual({ disabled: true });
        expect(page.marks.size).toBe(1);
        expect(shown()?.stale).toBeUndefined();
        show('a', 'succeeded', result('new'));
        await pass(1000);
        expect(out()).toBe('new');
        expect(storage.getItem('jobs')).toBeNull();
    });

    test.each([
        ['replace', [true]],
        ['ignore', []],
        ['parallel', []],
    ] as const)(
        'asks for the old result again if it may (%s)',
        (retrigger, refreshes) => {
            refresh('a', { retrigger, inputDigests: ['digest'] });
            reload();
            expect(engine.triggerInfo({}).resumed).toEqual([
                ['callback', 'page', ['digest'], ...refreshes],
            ]);
        },
    );
});
