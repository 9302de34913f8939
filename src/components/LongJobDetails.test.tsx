import { fireEvent, render, screen } from '@testing-library/react';
import React, { type ComponentProps } from 'react';
import { describe, expect, test, vi } from 'vitest';
import { LongJob } from '../index';
import '../details';
import '../languages';
import type { LogLine, Step } from '../engine/wire/snapshot';
import { dash, setUpDash } from '../testing/dash';

setUpDash();

const show = (props: ComponentProps<typeof LongJob> = {}) =>
    render(<LongJob id="job" {...props} />);
const text = (part: string) =>
    document.querySelector(`.long-job-${part}`)?.textContent;
const spoken = () =>
    document.querySelector('.long-job > .long-job-announcer')?.textContent;

const RUNNING: Step[] = [
    ['Read', 0, 'done', 2.5, 1],
    ['Fit', 0, 'running', 4, 1],
    ['Fold', 1, 'running', 5, 3],
    ['Plot', 0, 'to_come', 0, 0],
];

describe('the steps of a job', () => {
    const lines = () =>
        screen
            .queryAllByRole('listitem')
            .map((item) =>
                [...item.children].map(({ textContent }) => textContent),
            );

    test('are to come before it runs', () => {
        show();
        dash.start('a', { steps: ['Read', 'Fit'] });
        expect(lines()).toEqual([
            ['Read', 'To come', ''],
            ['Fit', 'To come', ''],
        ]);
    });

    test('have a status and a time that runs on', async () => {
        show();
        dash.start('a');
        await dash.show('a', 'running', { elapsed: 10, steps: RUNNING });
        expect(lines()).toEqual([
            ['Read', 'Done', '2.5 s'],
            ['Fit', 'Running', '6 s'],
            ['Fold×3', 'Running', '5 s'],
            ['Plot', 'To come', ''],
        ]);
        await dash.pass(2000);
        expect(lines()[1]).toEqual(['Fit', 'Running', '8 s']);
    });

    test.each([
        ['failed', 'Failed'],
        ['cancelled', 'Cancelled'],
        ['timed_out', 'Timed out'],
        ['lost', 'Stopped unexpectedly'],
    ] as const)(
        'that run when it has %s end like it; the others are skipped',
        async (status, label) => {
            show();
            dash.start('a');
            await dash.show('a', 'running', { elapsed: 10, steps: RUNNING });
            await dash.show('a', status, { elapsed: 11 });
            expect(lines()).toEqual([
                ['Read', 'Done', '2.5 s'],
                ['Fit', label, '7 s'],
                ['Fold×3', label, '6 s'],
                ['Plot', 'Skipped', ''],
            ]);
        },
    );

    test('may fail though the job goes on, and earlier ones are counted', async () => {
        show({ labels: 'de' });
        dash.start('a');
        const steps: Step[] = [
            [null, 0, 'done', 7, 61],
            ['Read', 0, 'failed', 0.25, 1],
        ];
        await dash.show('a', 'running', { steps });
        expect(lines()).toEqual([
            ['61 frühere', 'Fertig', '7 s'],
            ['Read', 'Fehlgeschlagen', '0,3 s'],
        ]);
    });

    test('are one text where there is no room for a list', async () => {
        show({ variant: 'compact' });
        dash.start('a', { steps: ['Read', 'Fit', 'Plot'] });
        expect(text('text')).toBeUndefined();
        await dash.show('a', 'running', { elapsed: 10, steps: RUNNING });
        expect(text('text')).toBe('Fit (2 of 3)');
        await dash.show('a', 'succeeded');
        expect(text('text')).toBeUndefined();
        expect(lines()).toEqual([]);
    });

    test('are announced once each', async () => {
        show();
        dash.start('a');
        await dash.show('a', 'running', {
            steps: [['Read', 0, 'running', 0, 1]],
        });
        expect(spoken()).toBe('Train: Running, Read');
        await dash.show('a', 'running', { steps: RUNNING.slice(0, 2) });
        expect(spoken()).toBe('Train: Running, Fit');
        await dash.show('a', 'running', {
            steps: [
                ['Read', 0, 'running', 9, 2],
                ['Fit', 0, 'done', 1, 1],
            ],
        });
        expect(spoken()).toBe('Train: Running, Fit');
    });

    test('can be left out', async () => {
        show({ show: ['status', 'bar'] });
        dash.start('a');
        await dash.show('a', 'running', { steps: RUNNING });
        expect(lines()).toEqual([]);
        expect(text('text')).toBe('Fit');
    });
});

describe('the numbers of a bar', () => {
    test.each([
        [[3, 10, null, { unit: 'files' }], '3 of 10\u00a0files'],
        [
            [3_700_000_000, 7_300_000_000, null, { unit: 'B', base: 1000 }],
            '3.7\u00a0GB of 7.3\u00a0GB',
        ],
        [[2048, null, null, { unit: 'B', base: 1024 }], '2\u00a0kB'],
        [[999, 1500, null, { base: 1000 }], '999 of 1.5\u00a0k'],
        [[3, 10, null, {}], '3 of 10'],
    ] as const)('%j are %j', async (bar, numbers) => {
        show({ show: ['count'] });
        dash.start('a');
        await dash.show('a', 'running', { bars: [[...bar]] });
        expect(text('numbers')).toBe(numbers);
    });

    test.each([
        [{ rate: 120.4 }, '120.4\u00a0it/s'],
        [{ rate: 2_500_000, unit: 'B', base: 1000 }, '2.5\u00a0MB/s'],
        [{ rate: 0.25, unit: 'files' }, '4 s/files'],
        // The job itself counts, too.
        [{}, '5\u00a0it/s'],
        [{ start: 20 }, '3\u00a0it/s'],
    ])('%j are %j', async (extras, rate) => {
        show({ extra: ['rate'] });
        dash.start('a');
        const bars = [[50, 100, null, extras]] as [
            [number, number, null, object],
        ];
        await dash.show('a', 'running', { elapsed: 10, bars });
        expect(text('numbers')).toBe(
            `50 of 10050%${rate}`.replace('50 of 100', countOf(extras)),
        );
        await dash.show('a', 'succeeded');
        expect(text('numbers')).toBeUndefined();
    });

    type Extras = {
        rate?: number;
        unit?: string;
        base?: number;
        start?: number;
    };
    const countOf = ({ unit, base }: Extras) =>
        unit
            ? base
                ? `50\u00a0${unit} of 100\u00a0${unit}`
                : `50 of 100\u00a0${unit}`
            : '50 of 100';
});

describe('the last runs of the task', () => {
    const columns = () => document.querySelectorAll('.long-job-history rect');

    test('show on demand', async () => {
        show({ extra: ['history'] });
        dash.start('a');
        expect(columns()).toHaveLength(0);
        const durations = [4, 12.5, 6];
        await dash.show('a', 'running', { elapsed: 3, estimate: 6, durations });
        expect(text('history')).toBe('Last runs: 4 s to 12 s, usually 6 s');
        expect([...columns()].map((it) => it.getAttribute('height'))).toEqual([
            '6.4',
            '20',
            '9.6',
            expect.any(String),
        ]);
    });

    test('do not show otherwise', async () => {
        show();
        dash.start('a');
        await dash.show('a', 'running', { estimate: 6, durations: [6] });
        expect(text('history')).toBeUndefined();
    });
});

/** jsdom's blobs have no text(). */
function textOf(blob: Blob | undefined): Promise<unknown> {
    const reader = new FileReader();
    return new Promise((resolve) => {
        reader.onload = () => {
            resolve(reader.result);
        };
        reader.readAsText(blob ?? new Blob());
    });
}

describe('the log', () => {
    const shown = () => document.querySelector('pre')?.textContent;
    const press = (label: string) => {
        fireEvent.click(screen.getByText(label));
    };
    const log: LogLine[] = [
        [1, 'first', 1_700_000_000, 10],
        [2, 'second', 1_700_000_001.5],
        [3, 'third', 1_700_000_002, 30],
        [4, 'fourth', 1_700_000_003, 40],
    ];

    test('marks levels, and shows times on demand', async () => {
        show();
        dash.start('a');
        await dash.show('a', 'running', { log });
        const spans = [...document.querySelectorAll('pre > span')];
        expect(spans.map(({ className }) => className)).toEqual([
            'long-job-log-debug',
            '',
            'long-job-log-warning',
            'long-job-log-error',
        ]);
        expect(shown()).toBe('first\nsecond\nthird\nfourth\n');
        press('Times');
        const clock = new Date(1_700_000_000_000).toLocaleTimeString('en');
        expect(shown()).toContain(`${clock}first\n`);
        press('Times');
        expect(shown()).not.toContain(clock);
    });

    test('has a field to search in it if it is long', async () => {
        render(
            <form>
                <LongJob id="job" />
            </form>,
        );
        dash.start('a');
        await dash.show('a', 'running', { log });
        expect(screen.queryByRole('searchbox')).toBeNull();
        const long = Array.from({ length: 40 }, (_, at): LogLine => [
            at + 5,
            `Row ${at}`,
        ]);
        await dash.show('a', 'running', { log: long });
        fireEvent.change(screen.getByRole('searchbox'), {
            target: { value: 'row 39' },
        });
        expect(shown()).toBe('Row 39\n');
        // Enter in it must not click a button of the form.
        expect(screen.getByRole<HTMLInputElement>('searchbox').form).toBeNull();
    });

    test('can be saved as a file', async () => {
        const blobs: Blob[] = [];
        const links: string[] = [];
        URL.createObjectURL = (blob: Blob) => `blob:${blobs.push(blob)}`;
        URL.revokeObjectURL = () => undefined;
        vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(
            function (this: HTMLAnchorElement) {
                links.push(`${this.download} ${this.href}`);
            },
        );
        show();
        dash.start('a', { title: 'data.csv' });
        await dash.show('a', 'running', { log });
        press('Download');
        expect(links).toEqual(['data.csv.log blob:1']);
        vi.useRealTimers();
        expect(await textOf(blobs[0])).toBe(
            '2023-11-14T22:13:20.000Z DEBUG first\n' +
                '2023-11-14T22:13:21.500Z INFO second\n' +
                '2023-11-14T22:13:22.000Z WARNING third\n' +
                '2023-11-14T22:13:23.000Z ERROR fourth\n',
        );
    });
});
