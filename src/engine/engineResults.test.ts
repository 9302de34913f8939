import { describe, expect, test } from 'vitest';
import { hit } from '../testing/handle';
import {
    engine,
    job,
    page,
    pass,
    reload,
    result,
    server,
    setUpEngine,
    show,
    start,
} from '../testing/engine';
import { append } from '../testing/page';

setUpEngine();

/** Let a job succeed, and the page show its result. */
async function succeed(token: string, value: unknown, more = {}) {
    show(token, 'succeeded', { ...result(value), ...more });
    await pass(1000);
}

/** Replace the output, as an app does whose user leaves a page and returns. */
function leaveAndReturn() {
    page.remove('out');
    page.add('out');
}

const runs = () => engine.runs.listed;
const visit = async (index: number) => {
    engine.visit(runs()[index]?.id ?? '');
    await pass(50);
};

describe('a visit of a result', () => {
    test('asks the server for nothing while the page shows it', async () => {
        start(job('a'));
        await succeed('a', 'done');
        const polls = server.polls.length;
        await visit(0);
        expect(server.polls.length).toBe(polls);
        expect(page.visits).toEqual([['/', 'out']]);
        expect(page.watchers.size).toBe(0);
    });

    test('brings it back after its component has left and returned', async () => {
        page.add('note');
        start(job('a'));
        await succeed('a', 'done', { props: [['note', 'children', 'noted']] });
        expect(page.props('note')).toEqual({ children: 'noted' });
        leaveAndReturn();
        page.add('note');
        await visit(0);
        expect(page.props('out')).toEqual({ children: 'done' });
        // That is no Output: it may start a download, or open another page.
        expect(page.props('note')).toEqual({});
        expect(page.watchers.size).toBe(0);
    });

    test('waits for a component that comes with its page', async () => {
        start(job('a'));
        await succeed('a', 'done');
        page.remove('out');
        await visit(0);
        page.add('out');
        await pass(50);
        expect(page.props('out')).toEqual({ children: 'done' });
        expect(page.watchers.size).toBe(0);
    });

    test('brings it back after a reload', async () => {
        start(job('a'));
        await succeed('a', 'done');
        reload();
        await visit(0);
        expect(page.props('out')).toEqual({ children: 'done' });
    });

    test('brings back the result of an earlier job', async () => {
        start(job('a'));
        await succeed('a', 'first');
        start(job('b', { seq: 1 }));
        await succeed('b', 'second');
        await visit(0);
        expect(page.props('out')).toEqual({ children: 'first' });
        await visit(1);
        expect(page.props('out')).toEqual({ children: 'second' });
    });

    test('applies no Patch to what it has changed already', async () => {
        start(job('a'));
        page.remove('out');
        show('a', 'succeeded', {
            props: [
                ['out', 'children', []],
                ['out', 'children', append(1)],
            ],
        });
        await pass(1000);
        await visit(0);
        page.add('out');
        await visit(0);
        expect(page.props('out')).toEqual({ children: [1] });
        leaveAndReturn();
        await visit(0);
        expect(page.props('out')).toEqual({ children: [1] });
    });

    test('says so if the server has it no longer, or does not respond', async () => {
        start(job('a'));
        await succeed('a', 'done');
        leaveAndReturn();
        show('a', 'lost', {}, 9);
        await visit(0);
        expect(runs()[0]).toMatchObject({
            status: 'succeeded',
            error: { message: 'The server no longer has the result.' },
        });
        server.disconnect();
        await visit(0);
        expect(runs()[0]?.error?.message).toBe('The server did not respond');
        show('a', 'succeeded', result('done'), 9);
        await visit(0);
        expect(runs()[0]?.error).toBeUndefined();
        expect(page.props('out')).toEqual({ children: 'done' });
    });

    test('asks the cache again for what came from there', async () => {
        page.requests.set(1, { output: 'out.children' });
        page.answer = () =>
            Promise.resolve({ response: { out: { children: 'cached' } } });
        engine.take([hit('a', { seq: 1, outputs: [['out', 'children']] })]);
        await pass(1000);
        await visit(0);
        expect(page.sent).toEqual([]);
        leaveAndReturn();
        page.setProps('out', { children: '-' });
        await visit(0);
        expect(page.sent.length).toBe(1);
        expect(page.props('out')).toEqual({ children: 'cached' });
    });
});

describe('an interval', () => {
    const tick = (seq: number, propId = 'tick.n_intervals') => {
        page.requests.set(seq, { changedPropIds: [propId] });
        start(job(`job-${seq}`, { seq, name: 'app.load' }));
    };

    test('that replaces each job before its end is told once', async () => {
        for (let seq = 1; seq <= 30; seq++) {
            tick(seq);
        }
        expect(page.reports.map(([text]) => text)).toEqual([
            expect.stringMatching(
                /app\.load: its dcc\.Interval replaces each job .* on_retrigger/,
            ),
        ]);
        await succeed('job-30', 'done');
    });

    test('that is replaced seldom, or by a user, is not told', async () => {
        for (let seq = 1; seq <= 30; seq++) {
            tick(seq, seq < 15 ? 'button.n_clicks' : undefined);
            if (seq % 8 === 0) {
                await succeed(`job-${seq}`, 'done');
            }
        }
        expect(page.reports).toEqual([]);
    });
});
