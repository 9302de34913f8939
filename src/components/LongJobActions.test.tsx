import { fireEvent, render, screen } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import '../details';
import '../languages';
import { dash, setUpDash } from '../testing/dash';
import { button, element, text, view } from '../testing/view';

setUpDash();

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
