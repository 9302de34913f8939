import { render } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import '../details';
import '../languages';
import { dash, setProps, setUpDash } from '../testing/dash';
import { element, published, text } from '../testing/view';

setUpDash();

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
