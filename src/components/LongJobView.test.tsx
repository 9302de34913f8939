import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import React, { type ComponentProps } from 'react';
import {
    afterEach,
    beforeEach,
    describe,
    expect,
    test,
    vi,
    type Mock,
} from 'vitest';
import { LongJob } from '../index';
import { FakeDash } from '../testing/dash';

let dash: FakeDash;
let setProps: Mock<(props: Record<string, unknown>) => void>;

beforeEach(() => {
    vi.useFakeTimers();
    dash = new FakeDash();
    setProps = vi.fn();
});

afterEach(() => {
    cleanup();
    vi.useRealTimers();
});

const element = (props: ComponentProps<typeof LongJob> = {}) => (
    <LongJob id="job" setProps={setProps} {...props} />
);
const view = () => document.querySelector('.long-job');
const text = (part: string) =>
    document.querySelector(`.long-job-${part}`)?.textContent;
const bars = () => screen.queryAllByRole('progressbar');
const button = (name: string) => screen.queryByRole('button', { name });
const spoken = () => screen.getByRole('status').textContent;
const published = () =>
    Object.assign({}, ...setProps.mock.calls.map(([props]) => props)) as object;

test('its children are shown until the first job starts', () => {
    render(element({ children: 'nothing yet' }));
    expect(view()?.textContent).toBe('nothing yet');
    dash.start('a');
    expect(view()?.textContent).not.toContain('nothing yet');
    expect(text('status')).toBe('Queued');
});

test('it follows a job from the queue to its end', async () => {
    render(element());
    dash.start('a');
    await dash.show('a', 'queued', { queue: { position: 3, wait: 95 } });
    expect(text('facts')).toBe('number 3 in the queue, starts in about 1:35');
    await dash.show('a', 'running', { elapsed: 0, estimate: 61 });
    expect(text('status')).toBe('Running');
    expect(bars()[0]?.hasAttribute('aria-valuenow')).toBe(false);
    expect(text('facts')).toBe('0:00about 1:01 left');
    await dash.show('a', 'running', {
        elapsed: 62,
        bars: [[3, 10, 'Downloading']],
    });
    expect(text('text')).toBe('Downloading');
    expect(text('numbers')).toBe('3 of 1030 %');
    expect(text('facts')).toBe('1:02about 2:24 left');
    expect(bars()[0]?.getAttribute('aria-valuenow')).toBe('30');
    expect(bars()[0]?.getAttribute('aria-valuetext')).toBe(
        'Running, 30 %, 3 of 10, about 2:24 left',
    );
    await dash.show('a', 'succeeded', { elapsed: 3725 });
    expect(text('status')).toBe('Done');
    expect(text('facts')).toBe('1:02:05');
    expect(bars()[0]?.getAttribute('aria-valuenow')).toBe('100');
    expect(button('Retry: Train')).toBeNull();
});

test('the times run on between two answers', async () => {
    render(element());
    dash.start('a');
    await dash.show('a', 'running', { elapsed: 8, bars: [[1, 2, null]] });
    await dash.pass(3000);
    expect(text('facts')).toBe('0:11about 0:05 left');
    await dash.pass(4500);
    expect(text('facts')).toBe('0:15almost done');
    await dash.pass(1000);
    expect(text('facts')).toBe('0:16about 0:17 left');
});

test('loops inside the job have bars of their own', async () => {
    render(element());
    dash.start('a');
    await dash.show('a', 'running', {
        bars: [
            [0.42, 1, null],
            [1200, 5000, 'rows'],
            [7, null, 'tries'],
        ],
    });
    expect(text('numbers')).toBe('42 %');
    const loops = [...document.querySelectorAll('.long-job-loop')];
    expect(loops.map((loop) => loop.textContent)).toEqual([
        'rows1,200 of 5,00024 %',
        'tries7',
    ]);
    expect(bars().map((bar) => bar.getAttribute('aria-valuenow'))).toEqual([
        '42',
        '24',
        null,
    ]);
});

test('it shows an error, with the traceback if there is one', async () => {
    render(element());
    dash.start('a');
    vi.spyOn(console, 'error').mockReturnValue();
    await dash.show('a', 'failed', {
        error: { type: 'ValueError', message: 'bad', traceback: 'line 3' },
    });
    expect(text('status')).toBe('Failed');
    expect(text('error')).toBe('ValueError: badDetailsline 3');
    expect(spoken()).toBe('Train: Failed, bad');
});

test('the log is folded, with its last line visible', async () => {
    render(element());
    dash.start('a');
    const log: [number, string][] = [
        [1, 'read'],
        [2, 'fitted'],
    ];
    await dash.show('a', 'running', { log });
    expect(screen.getByText('fitted').tagName).toBe('SPAN');
    expect(document.querySelector('details')?.open).toBe(false);
    expect(document.querySelector('pre')?.textContent).toBe('read\nfitted');
});

test('a cached result is marked as cached', async () => {
    render(element());
    dash.start('a', { cached: { duration: 75, age: 9 } });
    await dash.pass(1000);
    expect(text('badge')).toBe('From the cache');
    expect(text('facts')).toBe('saved 1:15');
});

test('it names a lost connection, and estimates nothing without one', async () => {
    render(element());
    dash.start('a');
    await dash.show('a', 'running', { elapsed: 1, estimate: 600 });
    expect(text('facts')).toContain('left');
    dash.server.disconnect();
    await dash.pass(100);
    expect(text('facts')).toContain('Connection lost');
    expect(text('facts')).not.toContain('left');
});

describe('cancelling', () => {
    test('ends the job at once with the button', async () => {
        render(element());
        dash.start('a');
        await dash.show('a', 'running');
        fireEvent.click(screen.getByRole('button', { name: 'Cancel: Train' }));
        await dash.pass(0);
        expect(text('status')).toBe('Cancelled');
        expect(dash.server.cancelled).toEqual([['a']]);
        expect(button('Cancel: Train')).toBeNull();
    });

    test('ends all live jobs of the component with the property', async () => {
        const { rerender } = render(element());
        dash.start('a');
        dash.start('b', { callbackKey: 'b' });
        dash.start('c', { callbackKey: 'c', view: 'other' });
        rerender(element({ cancel: 1 }));
        await dash.pass(0);
        expect(dash.server.cancelled).toEqual([['a', 'b']]);
        rerender(element({ cancel: 1 }));
        dash.start('d');
        rerender(element({ cancel: 1 }));
        expect(text('status')).toBe('Queued');
    });

    test('ignores a value that was there from the start, and None', () => {
        const { rerender } = render(element({ cancel: 5 }));
        dash.start('a');
        rerender(element({ cancel: 5 }));
        rerender(element({ cancel: null as never }));
        expect(text('status')).toBe('Queued');
    });
});

describe('retrying', () => {
    const fail = async () => {
        dash.start('a');
        vi.spyOn(console, 'error').mockReturnValue();
        await dash.show('a', 'lost', {
            error: { type: 'Killed', message: '' },
        });
    };
    const sent = () =>
        dash.server.requests
            .filter(({ url }) => url.endsWith('_dash-update-component'))
            .map(({ init }) => JSON.parse(init.body as string) as object);

    test('sends the request of the job again, with new trigger info', async () => {
        render(element());
        await fail();
        const retry = screen.getByRole('button', { name: 'Retry: Train' });
        retry.focus();
        fireEvent.click(retry);
        expect(retry.getAttribute('aria-disabled')).toBe('true');
        fireEvent.click(retry);
        await dash.pass(0);
        expect(sent()).toMatchObject([
            { changedPropIds: ['run.n_clicks'], longJob: { seq: 2 } },
        ]);
        expect(retry.getAttribute('aria-disabled')).toBe('false');
        dash.start('b');
        expect(document.activeElement).toBe(view());
    });

    test('works with the property, too', async () => {
        const { rerender } = render(element());
        await fail();
        rerender(element({ retry: 1 }));
        await dash.pass(0);
        expect(sent().length).toBe(1);
    });

    test('shows why the job could not be started', async () => {
        render(element());
        await fail();
        dash.server.fail(503);
        fireEvent.click(screen.getByRole('button', { name: 'Retry: Train' }));
        await dash.pass(0);
        expect(text('error')).toBe('NotStarted: The server answered with 503');
        expect(button('Retry: Train')).not.toBeNull();
    });

    test('is not offered without a request to send', async () => {
        render(element());
        dash.start('a', { seq: 99 });
        vi.spyOn(console, 'error').mockReturnValue();
        await dash.show('a', 'failed', { error: { type: 'E', message: '' } });
        expect(button('Retry: Train')).toBeNull();
    });
});

test('the focus stays in the component when its focused button disappears', async () => {
    render(element());
    dash.start('a');
    await dash.show('a', 'running');
    screen.getByRole('button', { name: 'Cancel: Train' }).focus();
    await dash.show('a', 'succeeded');
    expect(document.activeElement).toBe(view());
});

test('it announces only milestones', async () => {
    render(element());
    expect(spoken()).toBe('');
    dash.start('a');
    const said = new Set<string | null>();
    for (let step = 0; step <= 20; step++) {
        await dash.show('a', 'running', { bars: [[step, 20, null]] });
        said.add(spoken());
    }
    await dash.show('a', 'succeeded');
    said.add(spoken());
    expect([...said]).toEqual([
        'Train: Running',
        'Train: Running, 25 %',
        'Train: Running, 50 %',
        'Train: Running, 75 %',
        'Train: Running, 100 %',
        'Train: Done',
    ]);
});

describe('its parts', () => {
    test('are those of `show`', async () => {
        render(element({ show: ['name', 'percent'] }));
        dash.start('a');
        await dash.show('a', 'running', { elapsed: 5, bars: [[3, 10, 'x']] });
        expect(text('line')).toBe('Train30 %');
        expect(bars()).toEqual([]);
        expect(button('Cancel: Train')).toBeNull();
    });

    test('are none if `show` is empty, and callbacks still read its properties', () => {
        const { container } = render(element({ show: [] }));
        dash.start('a');
        expect(container.innerHTML).toBe('');
        expect(published()).toMatchObject({ status: 'queued', n_runs: 1 });
    });

    test('use the texts of `labels`', async () => {
        const labels = {
            running: 'Läuft',
            of: '{value} von {total}',
            cancel: 'Abbrechen',
            'app.train': 'Training',
        };
        render(
            element({ labels, show: ['name', 'status', 'count', 'cancel'] }),
        );
        dash.start('a');
        await dash.show('a', 'running', { bars: [[3, 10, null]] });
        expect(text('line')).toBe('TrainingLäuft3 von 10');
        expect(button('Abbrechen: Training')).not.toBeNull();
    });
});

describe('the properties that callbacks read', () => {
    test('are set when the job starts and ends', async () => {
        render(element());
        expect(setProps).not.toHaveBeenCalled();
        dash.start('a');
        expect(published()).toEqual({
            job_id: 'a',
            status: 'queued',
            progress: null,
            elapsed: null,
            eta: null,
            queue_position: null,
            error: null,
            log: [],
            connection: 'online',
            n_runs: 1,
        });
        await dash.show('a', 'running', { elapsed: 3, bars: [[1, 4, null]] });
        vi.spyOn(console, 'error').mockReturnValue();
        const error = { type: 'ValueError', message: 'bad' };
        await dash.show('a', 'failed', { elapsed: 9, error });
        expect(published()).toMatchObject({
            status: 'failed',
            progress: 0.25,
            elapsed: 9,
            error,
        });
        expect(setProps).toHaveBeenCalledTimes(3);
    });

    test('are set in between if a callback reads them, at most once a second', async () => {
        dash.read('job', 'elapsed', 'progress');
        render(element());
        dash.start('a');
        await dash.show('a', 'running', { elapsed: 0 });
        setProps.mockClear();
        for (let step = 1; step <= 50; step++) {
            dash.server.show('a', {
                cursor: 100 + step,
                status: 'running',
                bars: [[step, 50, null]],
            });
            dash.server.next = 100;
            await dash.pass(100);
        }
        const calls = setProps.mock.calls.map(([props]) => props as object);
        expect(calls.length).toBeGreaterThanOrEqual(4);
        expect(calls.length).toBeLessThanOrEqual(6);
        expect(Object.keys(calls[0] ?? {})).toEqual(['progress', 'elapsed']);
    });

    test('are set when the component comes (back) to the page', async () => {
        dash.start('a');
        const { unmount } = render(element());
        expect(text('status')).toBe('Queued');
        unmount();
        await dash.show('a', 'succeeded');
        render(element());
        expect(text('status')).toBe('Done');
        expect(published()).toMatchObject({ status: 'succeeded', n_runs: 1 });
        expect(vi.getTimerCount()).toBe(0);
    });
});
