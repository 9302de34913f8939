import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import React, { type ComponentProps } from 'react';
import { describe, expect, test, vi } from 'vitest';
import { LongJob } from '../index';
import '../details';
import '../languages';
import { dash, setProps, setUpDash } from '../testing/dash';

setUpDash();

const element = (props: ComponentProps<typeof LongJob> = {}) => (
    <LongJob id="job" setProps={setProps} {...props} />
);
const outputs: [string, string][] = [['out', 'children']];
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
    expect(text('status')).toBe('Starting…');
});

describe('a job that waits', () => {
    test('is starting until the server says otherwise, for a while', async () => {
        render(element());
        dash.start('a');
        await dash.pass(4000);
        expect(text('status')).toBe('Starting…');
        await dash.pass(2000);
        expect(text('status')).toBe('Queued');
    });

    test('is starting if no other job is ahead of it', async () => {
        render(element());
        dash.start('a');
        await dash.show('a', 'queued', { queue: { position: 2, wait: 0 } });
        await dash.pass(9000);
        expect(text('status')).toBe('Starting…');
        expect(text('facts')).toBeUndefined();
    });

    test.each([
        [1, null, 'next in line'],
        [1, 1, 'next in line'],
        [1, 10, 'next in linestarts in about 10 s'],
        [2, null, '2nd in line'],
        [3, null, '3rd in line'],
        [6, 95, '6th in linestarts in about 1 min 35 s'],
        [11, null, '11th in line'],
        [1021, null, '1,021st in line'],
    ])('in place %i is %s', async (position, wait, facts) => {
        render(element());
        dash.start('a');
        await dash.show('a', 'queued', { queue: { position, wait } });
        expect(text('status')).toBe('Queued');
        expect(text('facts')).toBe(facts);
    });
});

test('a hint shows while the job waits', async () => {
    render(element());
    dash.start('a');
    const hint = 'No worker takes jobs. Start one: celery -A app worker';
    await dash.show('a', 'queued', { hint });
    expect(text('hint')).toBe(hint);
    await dash.show('a', 'queued', { hint: '' });
    expect(text('hint')).toBeUndefined();
    await dash.show('a', 'queued', { hint });
    await dash.show('a', 'running');
    expect(text('hint')).toBeUndefined();
});

test('it says when a job is tried again', async () => {
    render(element());
    dash.start('a');
    const attempt: [number, number] = [2, 4];
    await dash.show('a', 'queued', {
        queue: { position: 0, wait: 19.6, attempt },
    });
    expect(text('facts')).toBe('2nd of 4 attemptsnext in 20 s');
    cleanup();
    render(element({ labels: 'de' }));
    expect(text('facts')).toBe('Versuch 2 von 4nächster in 20 s');
});

test('it follows a job from the queue to its end', async () => {
    render(element());
    dash.start('a');
    await dash.show('a', 'queued', { queue: { position: 3, wait: 95 } });
    expect(text('facts')).toBe('3rd in linestarts in about 1 min 35 s');
    await dash.show('a', 'running', { elapsed: 0, estimate: 61 });
    expect(text('status')).toBe('Running');
    expect(bars()[0]?.hasAttribute('aria-valuenow')).toBe(false);
    expect(text('facts')).toBe('0 sabout 1 min 1 s left');
    await dash.show('a', 'running', {
        elapsed: 62,
        bars: [[3, 10, 'Downloading']],
    });
    expect(text('text')).toBe('Downloading');
    expect(text('numbers')).toBe('3 of 1030%');
    expect(text('facts')).toBe('1 min 2 sabout 2 min 24 s left');
    expect(bars()[0]?.getAttribute('aria-valuenow')).toBe('30');
    expect(bars()[0]?.getAttribute('aria-valuetext')).toBe(
        'Running, 30%, 3 of 10, about 2 min 24 s left',
    );
    await dash.show('a', 'succeeded', { elapsed: 3725 });
    expect(text('status')).toBe('Done');
    expect(text('facts')).toBe('took 1 h 2 min');
    expect(text('numbers')).toBeUndefined();
    expect(bars()[0]?.getAttribute('aria-valuenow')).toBe('100');
    expect(button('Retry: Train')).toBeNull();
});

test('the times run on between two answers', async () => {
    render(element());
    dash.start('a');
    await dash.show('a', 'running', { elapsed: 8, bars: [[1, 2, null]] });
    await dash.pass(3000);
    expect(text('facts')).toBe('11 sabout 5 s left');
    await dash.pass(4500);
    expect(text('facts')).toBe('15 salmost done');
    await dash.pass(1000);
    expect(text('facts')).toBe('16 sabout 17 s left');
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
    expect(text('numbers')).toBe('42%');
    const loops = [...document.querySelectorAll('.long-job-loop')];
    expect(loops.map((loop) => loop.textContent)).toEqual([
        'rows1,200 of 5,00024%',
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
    expect(text('message')).toBe('ValueError: bad');
    expect(document.querySelector('pre')?.textContent).toBe('line 3');
    expect(spoken()).toBe('Train: Failed, ValueError: bad');
});

test('it shows an error while the script for its view is on the way', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    const { dash_long_components_details } = window;
    delete window.dash_long_components_details;
    render(element());
    dash.start('a');
    await dash.show('a', 'failed', {
        error: { type: 'ValueError', message: 'bad' },
    });
    expect(text('error')).toBe('ValueError: bad');
    Object.assign(window, { dash_long_components_details });
});

describe('an error', () => {
    const end = async (status: 'failed' | 'lost', error: object) => {
        vi.spyOn(console, 'error').mockReturnValue();
        render(element());
        dash.start('a');
        await dash.show('a', status, {
            elapsed: 6,
            error: { type: 'E', message: '', ...error },
        });
    };

    test.each([
        ['failed', 'NotStarted', 'Could not start: …', 'Could not start: …'],
        ['failed', 'KeyError', '', 'KeyError'],
        ['lost', 'WorkerDied', 'exited with code 137', 'exited with code 137'],
        ['lost', 'WorkerDied', '', 'WorkerDied'],
    ] as const)(
        'of a %s job of type %s with %j reads %j',
        async (status, type, message, shown) => {
            await end(status, { type, message });
            expect(text('message')).toBe(shown);
            expect(text('facts')).toBe('after 6 s');
        },
    );

    test('that is long is folded', async () => {
        await end('failed', { message: 'line\n'.repeat(20) });
        const message = document.querySelector('.long-job-message');
        expect(message?.className).toContain('long-job-folded');
        fireEvent.click(screen.getByRole('button', { name: 'Show all' }));
        expect(message?.className).not.toContain('long-job-folded');
        const less = screen.getByRole('button', { name: 'Show less' });
        expect(less.getAttribute('aria-expanded')).toBe('true');
    });

    test('that is short is not folded', async () => {
        await end('failed', { message: 'line\nline' });
        expect(button('Show all')).toBeNull();
        expect(text('message')).toBe('E: line\nline');
    });

    test('can be copied, with its traceback', async () => {
        const writeText = vi.fn(() => Promise.resolve());
        vi.stubGlobal('navigator', { clipboard: { writeText } });
        await end('failed', { message: 'bad', traceback: 'line 3' });
        fireEvent.click(screen.getByRole('button', { name: 'Copy' }));
        await dash.pass(0);
        expect(writeText).toHaveBeenCalledExactlyOnceWith('E: bad\n\nline 3');
        expect(button('Copied')).not.toBeNull();
    });

    test('can be copied on a page without a clipboard', async () => {
        let copied = '';
        const execCommand = () => {
            copied = (document.activeElement as HTMLTextAreaElement).value;
            return true;
        };
        Object.assign(document, { execCommand });
        await end('failed', { message: 'bad' });
        screen.getByRole('button', { name: 'Copy' }).focus();
        fireEvent.click(screen.getByRole('button', { name: 'Copy' }));
        await dash.pass(0);
        expect(copied).toBe('E: bad');
        expect(document.activeElement).toBe(button('Copied'));
    });
});

test('the log is folded, with its last line visible', async () => {
    render(element());
    dash.start('a');
    const log: [number, string][] = [
        [1, 'read'],
        [2, 'fitted'],
    ];
    await dash.show('a', 'running', { log });
    expect(screen.getByText(/^Log/).textContent).toBe('Log fitted');
    expect(document.querySelector('details')?.open).toBe(false);
    expect(document.querySelector('pre')?.textContent).toBe('read\nfitted\n');
});

test('a cached result is marked as cached', async () => {
    render(element());
    dash.start('a', { cached: { duration: 75, age: 9 } });
    await dash.pass(1000);
    expect(text('badge')).toBe('From the cache');
    expect(text('facts')).toBe('saved 1 min 15 s');
});

test('an old result is marked as such, also if it could not be refreshed', async () => {
    render(element());
    dash.start('a', { stale: { age: 310 }, outputs });
    await dash.show('a', 'running');
    expect(text('badge')).toBe('Result of 5 minutes ago, refreshing');
    expect(text('announcer')).toBe(
        'Train: Running, Result of 5 minutes ago, refreshing',
    );
    expect(document.querySelector('.long-job-stale')).toBeTruthy();
    await dash.show('a', 'failed', { error: { type: 'E', message: 'bad' } });
    expect(text('badge')).toBe('Result of 5 minutes ago, not refreshed');
    expect(text('announcer')).toBe(
        'Train: Failed, Result of 5 minutes ago, not refreshed, E: bad',
    );
});

test('an old result grows older, and is announced once', async () => {
    render(element());
    dash.start('a', { stale: { age: 310 }, outputs });
    await dash.show('a', 'running');
    const announced = text('announcer');
    await dash.pass(120_000);
    expect(text('badge')).toBe('Result of 7 minutes ago, refreshing');
    expect(text('announcer')).toBe(announced);
});

test('an old result is no longer marked when there is a new one', async () => {
    render(element());
    dash.start('a', { stale: { age: 2 * 86_400 }, outputs });
    await dash.show('a', 'running');
    expect(text('badge')).toBe('Result of 2 days ago, refreshing');
    render(element({ variant: 'compact', labels: 'de' }));
    await dash.pass(1000);
    expect(document.querySelector('.long-job-compact')?.textContent).toContain(
        'Ergebnis von vor 2 Tagen, wird aktualisiert',
    );
    await dash.show('a', 'succeeded', {
        result: { response: { out: { children: 'new' } } },
    });
    expect(document.querySelector('.long-job-badge')).toBeNull();
    expect(document.querySelector('.long-job-stale')).toBeNull();
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

test('it names a lost connection of its own job, and ends without it', async () => {
    render(element());
    render(<LongJob id="other" />);
    dash.start('a');
    dash.start('b', { view: 'other', callbackKey: 'b', name: 'app.test' });
    await dash.show('a', 'running', { elapsed: 1, estimate: 600 });
    dash.server.unreachable = ['a'];
    await dash.show('b', 'running', { elapsed: 1, estimate: 600 });
    const [mine, other] = document.querySelectorAll('.long-job-facts');
    expect(mine?.textContent).toContain('Connection lost');
    expect(mine?.textContent).not.toContain('left');
    expect(other?.textContent).toContain('left');
    expect(other?.textContent).not.toContain('Connection lost');
    fireEvent.click(screen.getByRole('button', { name: 'Cancel: Train' }));
    expect(published()).toMatchObject({
        status: 'cancelled',
        connection: 'online',
    });
});

test('its own connection is back with the first answer about its job', async () => {
    dash.read('job', 'connection');
    render(element());
    dash.start('a');
    dash.server.unreachable = ['a'];
    await dash.pass(2000);
    expect(published()).toMatchObject({ connection: 'reconnecting' });
    dash.server.unreachable = [];
    await dash.pass(2000);
    expect(published()).toMatchObject({ connection: 'online' });
    expect(text('facts')).toBeUndefined();
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
        expect(text('status')).toBe('Starting…');
    });

    test('ignores a value that was there from the start, and None', () => {
        const { rerender } = render(element({ cancel: 5 }));
        dash.start('a');
        rerender(element({ cancel: 5 }));
        rerender(element({ cancel: null as never }));
        expect(text('status')).toBe('Starting…');
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
        expect(text('message')).toBe(
            'Could not start: the server answered with 503',
        );
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
        'Train: Running, 25%',
        'Train: Running, 50%',
        'Train: Running, 75%',
        'Train: Running, 100%',
        'Train: Done',
    ]);
});

describe('its parts', () => {
    test('are those of `show`', async () => {
        render(element({ show: ['name', 'percent'] }));
        dash.start('a');
        await dash.show('a', 'running', { elapsed: 5, bars: [[3, 10, 'x']] });
        expect(text('line')).toBe('Train30%');
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

    test.each([
        ['de', 'Läuft', '1.200 von 5.000', '24\u00a0%'],
        ['ja', '実行中', '1,200 / 5,000', '24%'],
        [
            { locale: 'fr-CA', running: 'Ça roule' },
            'Ça roule',
            '1 200 sur 5 000',
        ],
        ['xx', 'Running', '1,200 of 5,000', '24%'],
    ])('use the language %j', async (labels, status, ...numbers) => {
        render(element({ labels }));
        dash.start('a');
        await dash.show('a', 'running', { bars: [[1200, 5000, null]] });
        expect(text('status')).toBe(status);
        const [count, percent = ''] = numbers;
        expect(
            text('numbers')?.replace(/[\u202f\u00a0](?=\d)/g, ' '),
        ).toContain(count);
        expect(text('numbers')).toContain(percent);
    });
});

describe('the compact variant', () => {
    const line = () => document.querySelector('.long-job-line')?.textContent;

    test('shows a job in one line', async () => {
        render(element({ variant: 'compact' }));
        dash.start('a');
        expect(line()).toBe('Starting…Cancel');
        await dash.show('a', 'queued', { queue: { position: 6, wait: 10 } });
        expect(line()).toBe('Queued6th in linestarts in about 10 sCancel');
        await dash.show('a', 'running', {
            elapsed: 3,
            bars: [
                [3, 10, 'Reading'],
                [1, 2, 'loop'],
            ],
            log: [[1, 'a line']],
        });
        expect(bars().length).toBe(1);
        expect(line()).toBe('Running30%about 7 s leftCancel');
        await dash.show('a', 'succeeded', { elapsed: 9 });
        expect(line()).toBe('Donetook 9 s');
        expect(bars()).toEqual([]);
        expect(spoken()).toBe('Train: Done');
    });

    test('shows an error in its line', async () => {
        vi.spyOn(console, 'error').mockReturnValue();
        render(element({ variant: 'compact' }));
        dash.start('a');
        await dash.show('a', 'failed', {
            error: { type: 'ValueError', message: 'bad' },
        });
        expect(line()).toBe('FailedValueError: badRetry');
        expect(screen.getByTitle('ValueError: bad')).toBeDefined();
    });

    test('shows only the parts of `show`', async () => {
        render(element({ variant: 'compact', show: ['bar', 'percent'] }));
        dash.start('a');
        await dash.show('a', 'running', { elapsed: 3, bars: [[3, 10, null]] });
        expect(line()).toBe('30%');
        expect(bars().length).toBe(1);
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
            stale: null,
            queue_position: null,
            question: null,
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
        expect(text('status')).toBe('Starting…');
        unmount();
        await dash.show('a', 'succeeded');
        render(element());
        expect(text('status')).toBe('Done');
        expect(published()).toMatchObject({ status: 'succeeded', n_runs: 1 });
        expect(vi.getTimerCount()).toBe(0);
    });
});

describe('a title', () => {
    test('is shown and spoken', async () => {
        render(element());
        dash.start('a', { title: 'data.csv' });
        expect(text('name')).toBe('data.csv');
        expect(spoken()).toContain('data.csv');
        await dash.show('a', 'running', { title: 'clean data.csv' });
        expect(text('name')).toBe('clean data.csv');
        await dash.show('a', 'running', {});
        expect(text('name')).toBe('clean data.csv');
        await dash.show('a', 'running', { title: '' });
        expect(text('name')).toBeUndefined();
    });

    test('is hidden where `show` leaves the name out', () => {
        render(element({ show: ['status'] }));
        dash.start('a', { title: 'data.csv' });
        expect(text('name')).toBeUndefined();
    });
});
