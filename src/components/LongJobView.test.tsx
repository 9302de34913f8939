import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, test } from 'vitest';
import { LongJob } from '../index';
import '../details';
import '../languages';
import { dash, setUpDash } from '../testing/dash';
import {
    bars,
    button,
    element,
    outputs,
    published,
    spoken,
    text,
    view,
} from '../testing/view';

setUpDash();

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
