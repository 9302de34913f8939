import { beforeEach, expect, test, vi } from 'vitest';
import { FakeChannel } from '../testing/channel';
import {
    engine,
    job,
    newEngine,
    page,
    pass,
    reload,
    removeListeners,
    result,
    server,
    setUpEngine,
    show,
    start,
} from '../testing/engine';
import { FakePage } from '../testing/page';
import type { Engine } from './engine';

setUpEngine();

let copy: Engine;

/** Start a job, and copy the tab: the copy finds the same jobs in its storage. */
beforeEach(async () => {
    start(job('a', { view: 'view' }));
    show('a', 'running');
    await pass(20);
    copy = copyTab();
    await pass(20);
    expect(copy.runs.get('a')).toMatchObject({ status: 'running' });
});

function copyTab(): Engine {
    const made = newEngine(new FakePage('out', 'button', 'bar'));
    made.resume();
    return made;
}

/** Let the job of the tab succeed; the tab has to show it. */
async function succeed(): Promise<void> {
    show('a', 'succeeded', result('done'), 2);
    await pass(1000);
    expect(page.props('out')).toEqual({ children: 'done' });
    expect(server.cancelled).toEqual([]);
}

test('a new trigger in a copy leaves the job to the tab', async () => {
    copy.take([job('b', { seq: 2 })]);
    expect(copy.runs.get('a')).toBeUndefined();
    await pass(5000);
    await succeed();
});

test.each<[string, (engine: Engine) => void]>([
    [
        'a button',
        (it) => {
            it.cancelRun('a');
        },
    ],
    [
        'a view',
        (it) => {
            it.cancelView('view');
        },
    ],
    [
        'a cancel Input',
        (it) => {
            it.cancel(['stop.n_clicks']);
        },
    ],
])('%s in a copy cancels for the copy alone', async (_, cancel) => {
    cancel(copy);
    expect(copy.runs.get('a')).toMatchObject({ status: 'cancelled' });
    await pass(5000);
    await succeed();
});

test('the tab that has started the job cancels it for both, at once', async () => {
    engine.cancelRun('a');
    await pass(0);
    expect(server.cancelled).toEqual([['a']]);
});

test('the last copy cancels the job of a tab that has been closed', async () => {
    FakeChannel.closeAll();
    const [first, last] = [copyTab(), copyTab()];
    await pass(20);
    first.cancelRun('a');
    await pass(5000);
    expect(server.cancelled).toEqual([]);
    last.cancelRun('a');
    await pass(1000);
    expect(server.cancelled).toEqual([['a']]);
});

test('a copy that is loaded again still is one', async () => {
    // All tabs of a test have one storage. So nothing tells these to save their lists.
    removeListeners();
    reload();
    reload();
    await pass(20);
    engine.cancelRun('a');
    await pass(5000);
    expect(server.cancelled).toEqual([]);
});

test('a copy cancels its own jobs at once', async () => {
    copy.take([job('b', { callbackKey: 'other' })]);
    copy.cancelRun('b');
    await pass(0);
    expect(server.cancelled).toEqual([['b']]);
});

test('a copy without channels cancels for both', async () => {
    vi.stubGlobal('BroadcastChannel', undefined);
    copyTab().cancelRun('a');
    await pass(1000);
    expect(server.cancelled).toEqual([['a']]);
});
