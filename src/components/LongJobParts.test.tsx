import { render, screen } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import '../details';
import '../languages';
import { dash, setUpDash } from '../testing/dash';
import {
    bars,
    button,
    element,
    published,
    spoken,
    text,
} from '../testing/view';

setUpDash();

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
