import { beforeEach, describe, expect, test } from 'vitest';
import {
    page,
    engine,
    setUpEngine,
    reloadWith,
    pass,
    start,
    job,
    show,
} from '../testing/engine';
import { append } from '../testing/page';

setUpEngine();

const counting = (token: string, more = {}) =>
    job(token, {
        running: [['button', 'children', append('+'), append('-')]],
        retrigger: 'parallel',
        ...more,
    });
const shown = () => page.props('button')?.children;

beforeEach(() => {
    page.setProps('button', { children: [] });
});

describe('a Patch in running counts once for each job', () => {
    test.each([
        'succeeded',
        'failed',
        'cancelled',
        'timed_out',
        'lost',
        'rejected',
    ] as const)('that ends as %s', async (status) => {
        start(counting('a'));
        show('a', 'running');
        await pass(20);
        expect(shown()).toEqual(['+']);
        show('a', status, {}, 2);
        await pass(2000);
        expect(shown()).toEqual(['+', '-']);
    });

    test('that the page cancels', async () => {
        start(counting('a'), counting('b', { cancel: [] }));
        engine.cancel(['stop.n_clicks']);
        expect(shown()).toEqual(['+', '+', '-']);
        show('a', 'cancelled');
        await pass(2000);
        expect(shown()).toEqual(['+', '+', '-']);
    });

    test('that another one replaces', async () => {
        const replacing = { retrigger: 'replace' as const };
        start(counting('a', replacing));
        start(counting('b', { ...replacing, seq: 1 }));
        show('a', 'cancelled');
        show('b', 'failed');
        await pass(2000);
        expect(shown()).toHaveLength(4);
        expect(shown()).toEqual(expect.arrayContaining(['+', '+', '-', '-']));
    });

    test('that could not be started', () => {
        const error = { type: 'NotStarted', message: 'away' };
        start(counting('a', { token: null, error }));
        expect(shown()).toEqual([]);
    });

    test('that goes on after a reload, in the new layout', async () => {
        start(counting('a'), counting('b'));
        show('a', 'running');
        await pass(20);
        reloadWith('button', { children: [] });
        expect(shown()).toEqual(['+', '+']);
        show('a', 'failed', {}, 2);
        await pass(2000);
        expect(shown()).toEqual(['+', '+', '-']);
        engine.cancel(['stop.n_clicks']);
        expect(shown()).toEqual(['+', '+', '-', '-']);
        reloadWith('button', { children: [] });
        expect(shown()).toEqual([]);
    });
});
