import { fireEvent, render, screen } from '@testing-library/react';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import '../details';
import '../languages';
import { dash, setUpDash } from '../testing/dash';
import { button, element, spoken, text } from '../testing/view';

setUpDash();

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

    describe('on a page without a clipboard', () => {
        let copied = '';

        beforeEach(async () => {
            copied = '';
            const execCommand = () => {
                const { activeElement } = document;
                copied = (activeElement as HTMLTextAreaElement).value;
                return true;
            };
            Object.assign(document, { execCommand });
            await end('failed', { message: 'bad' });
            screen.getByRole('button', { name: 'Copy' }).focus();
        });

        const copy = async () => {
            fireEvent.click(screen.getByRole('button', { name: 'Copy' }));
            await dash.pass(0);
            expect(copied).toBe('E: bad');
            expect(document.activeElement).toBe(button('Copied'));
        };

        test('can be copied', copy);

        test('can be copied in a dialog that keeps the focus', async () => {
            const view = button('Copy')?.closest('.long-job');
            const keepFocus = ({ target }: Event) => {
                if (!view?.contains(target as Node)) {
                    button('Copy')?.focus();
                }
            };
            document.addEventListener('focusin', keepFocus);
            await copy();
            document.removeEventListener('focusin', keepFocus);
        });
    });
});
