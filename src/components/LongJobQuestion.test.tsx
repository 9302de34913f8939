import { act, fireEvent, render, screen } from '@testing-library/react';
import React, { type ComponentProps } from 'react';
import { describe, expect, test, vi } from 'vitest';
import { LongJob, LongJobTray } from '../index';
import '../details';
import '../languages';
import '../tray';
import type { Question } from '../engine/wire/snapshot';
import { dash, setProps, setUpDash } from '../testing/dash';

setUpDash();

const ASKED: Question = {
    id: '1.1',
    text: 'Overwrite 3 files?',
    choices: ['yes', 'no'],
    default: null,
    left: null,
};

const show = (props: ComponentProps<typeof LongJob> = {}) =>
    render(<LongJob id="job" {...props} setProps={setProps} />);
const ask = async (more: Partial<Question> = {}) => {
    dash.start('a');
    await dash.show('a', 'running', {
        elapsed: 1,
        question: { ...ASKED, ...more },
    });
};
const form = () => screen.queryByRole('group', { name: 'Overwrite 3 files?' });
const press = (name: string) => {
    fireEvent.click(screen.getByRole('button', { name }));
};
const classes = () => document.querySelector('#job')?.className;

describe('a job that asks', () => {
    test('shows its choices, and sends one of them once', async () => {
        show();
        await ask();
        expect(form()).not.toBeNull();
        expect(classes()).toBe('long-job long-job-running long-job-asking');
        expect(document.querySelector('.long-job-status')?.textContent).toBe(
            'Waits for an answer',
        );
        press('no');
        press('yes');
        await dash.pass(0);
        expect(dash.server.answers).toEqual([
            { token: 'a', question: '1.1', answer: 'no' },
        ]);
        expect(form()).not.toBeNull(); // until the job has it
        await dash.show('a', 'running', { elapsed: 2 });
        expect(form()).toBeNull();
        expect(classes()).toBe('long-job long-job-running');
    });

    test('does not take the focus, and keeps it in the view after an answer', async () => {
        show();
        await ask();
        expect(document.activeElement).toBe(document.body);
        act(() => {
            screen.getByRole('button', { name: 'yes' }).focus();
        });
        press('yes');
        await dash.show('a', 'running', { elapsed: 2 });
        expect(document.activeElement?.id).toBe('job');
    });

    test('has no estimate as long as people do not answer', async () => {
        show();
        dash.start('a');
        const text = () => document.querySelector('#job')?.textContent;
        const more = { elapsed: 1, estimate: 60 };
        await dash.show('a', 'running', more);
        expect(text()).toContain(' left');
        await dash.show('a', 'running', { ...more, question: ASKED });
        expect(text()).not.toContain(' left');
    });

    test('says so to screen readers once', async () => {
        show();
        await ask();
        expect(screen.getByRole('status').textContent).toBe(
            'Train: Waits for an answer, Overwrite 3 files?',
        );
    });

    test('takes a text, and begins with its default', async () => {
        show({ labels: 'de' });
        await ask({ choices: [], default: 'all' });
        const field = screen.getByRole<HTMLInputElement>('textbox', {
            name: 'Overwrite 3 files?',
        });
        expect(field.value).toBe('all');
        fireEvent.change(field, { target: { value: 'only new ones' } });
        press('Senden');
        await dash.pass(0);
        expect(dash.server.answers).toEqual([
            { token: 'a', question: '1.1', answer: 'only new ones' },
        ]);
    });

    test.each([
        ['no', '“no” in 1 min 30 s', '“no” in 1 min 28 s'],
        [null, '1 min 30 s to answer', '1 min 28 s to answer'],
    ])(
        'says what happens without an answer (%s)',
        async (answer, before, after) => {
            show();
            await ask({ default: answer, left: 90 });
            expect(form()?.textContent).toContain(before);
            await dash.pass(2000);
            expect(form()?.textContent).toContain(after);
        },
    );

    test('offers to send an answer again that did not get through', async () => {
        show();
        await ask();
        dash.server.fail(503);
        press('yes');
        await dash.pass(0);
        expect(screen.getByRole('alert').textContent).toBe(
            'Not sent. Try again.',
        );
        press('yes');
        await dash.pass(0);
        expect(dash.server.answers).toHaveLength(2);
        expect(screen.getByRole('alert').textContent).toBe('');
    });

    test.each([400, 409])(
        'takes no for an answer that the server refuses (%i)',
        async (status) => {
            show();
            await ask();
            dash.server.fail(status, { 'Dash-Long-Jobs': 'refused' });
            const { length } = dash.server.polls;
            press('yes');
            await dash.pass(100);
            expect(screen.getByRole('alert').textContent).toBe(
                'Already answered, or too late',
            );
            press('no');
            await dash.pass(0);
            expect(dash.server.answers).toHaveLength(1);
            // It asks at once what the job is at.
            expect(dash.server.polls.length).toBe(length + 1);
        },
    );

    test.each([200, 409])(
        'offers to send an answer again that a login page has taken with %d',
        async (status) => {
            show();
            await ask();
            dash.server.fail(status);
            press('yes');
            await dash.pass(0);
            expect(screen.getByRole('alert').textContent).toBe(
                'Not sent. Try again.',
            );
        },
    );

    test('has no form on a page that only reads the job', async () => {
        show();
        const token = 'memory-view.id.0.signature';
        dash.start(token);
        await dash.show(token, 'running', { elapsed: 1, question: ASKED });
        expect(form()?.textContent).toBe('Overwrite 3 files?');
        expect(screen.queryByRole('button', { name: 'yes' })).toBeNull();
    });

    test.each([
        [null, true],
        ['all', true],
        ['', false],
    ])('needs a text, unless its default is none (%j)', async (text, needs) => {
        show();
        await ask({ choices: [], default: text });
        const { required, pattern } =
            screen.getByRole<HTMLInputElement>('textbox');
        expect([required, pattern !== '']).toEqual([needs, needs]);
    });

    test('sends its answer alone, without a form around the view', async () => {
        const submitted = vi.fn();
        render(
            <div onSubmit={submitted}>
                <LongJob id="job" />
            </div>,
        );
        await ask({ choices: [], default: 'all' });
        press('Send');
        await dash.pass(0);
        expect(dash.server.answers.length).toBe(1);
        expect(submitted).not.toHaveBeenCalled();
    });

    test('keeps a text in the tray that is closed, and shows it in the view', async () => {
        show();
        render(<LongJobTray />);
        await ask({ choices: [] });
        const toggle = async () => {
            act(() => {
                document.querySelector('summary')?.click();
            });
            await dash.pass(0);
        };
        const texts = () =>
            screen
                .getAllByRole<HTMLInputElement>('textbox')
                .map(({ value }) => value);
        await toggle();
        const inTray = document.querySelector('.long-job-panel input');
        fireEvent.change(inTray ?? document.body, {
            target: { value: 'half a' },
        });
        expect(texts()).toEqual(['half a', 'half a']);
        await toggle();
        await toggle();
        expect(texts()).toEqual(['half a', 'half a']);
        // The next question begins with its own default.
        await dash.show('a', 'running', {
            elapsed: 2,
            question: { ...ASKED, id: '1.2', choices: [], default: 'none' },
        });
        expect(texts()).toEqual(['none', 'none']);
    });

    test('has another form for another question', async () => {
        show();
        await ask();
        press('yes');
        await dash.show('a', 'running', {
            elapsed: 2,
            question: { ...ASKED, id: '1.2' },
        });
        press('no');
        await dash.pass(0);
        expect(dash.server.answers).toHaveLength(2);
    });

    test.each(['succeeded', 'cancelled', 'lost'] as const)(
        'asks nothing any more when it is %s',
        async (status) => {
            show();
            await ask();
            await dash.show('a', status);
            expect(form()).toBeNull();
        },
    );

    test('can be hidden, and tells callbacks', async () => {
        show({ show: ['status'] });
        dash.read('job', 'question');
        await ask();
        await dash.pass(1000);
        expect(form()).toBeNull();
        expect(setProps).toHaveBeenLastCalledWith(
            expect.objectContaining({ question: 'Overwrite 3 files?' }),
        );
    });

    test('asks in the compact view', async () => {
        show({ variant: 'compact' });
        await ask();
        press('yes');
        await dash.pass(0);
        expect(dash.server.answers).toHaveLength(1);
    });

    test('asks in the tray, whose button says so', async () => {
        render(<LongJobTray />);
        await ask();
        const summary = document.querySelector('summary');
        expect(summary?.textContent).toContain('Waits for an answer');
        act(() => {
            summary?.click();
        });
        await dash.pass(0);
        press('yes');
        await dash.pass(0);
        expect(dash.server.answers).toHaveLength(1);
    });
});
