import { fireEvent, render, screen } from '@testing-library/react';
import React, { type ComponentProps } from 'react';
import { describe, expect, test } from 'vitest';
import { LongJobButton } from '../index';
import { dash, setProps, setUpDash } from '../testing/dash';

setUpDash();

const element = (props: ComponentProps<typeof LongJobButton> = {}) => (
    <LongJobButton id="run" setProps={setProps} {...props}>
        Run
    </LongJobButton>
);
const button = () => screen.getByRole('button');
const isBusy = () => button().getAttribute('aria-busy') === 'true';
const isDisabled = () => button().getAttribute('aria-disabled') === 'true';
/** Click at a time of its own: jsdom's events have the time of the real clock. */
let clock = 1000;
const click = (after = 1000) => {
    clock += after;
    const event = new MouseEvent('click', { bubbles: true, cancelable: true });
    Object.defineProperty(event, 'timeStamp', { value: clock });
    fireEvent(button(), event);
    return event;
};
/** Let the click start a job. */
const start = (token: string, more = {}) => {
    const inputs = [{ id: 'run', property: 'n_clicks', value: 1 }];
    const seq = dash.request({ inputs, changedPropIds: ['run.n_clicks'] });
    dash.start(token, { seq, view: null, ...more });
};

test('it is busy from its click to the end of the job', async () => {
    render(element());
    expect([isBusy(), isDisabled()]).toEqual([false, false]);
    dash.dashStore.call('run.n_clicks');
    click();
    expect([isBusy(), isDisabled()]).toEqual([true, true]);
    expect(setProps.mock.calls).toEqual([[{ n_clicks: 1 }]]);
    await dash.pass(3000);
    expect(isBusy()).toBe(true);
    start('a');
    dash.dashStore.call();
    await dash.show('a', 'running');
    expect([isBusy(), isDisabled()]).toEqual([true, true]);
    await dash.show('a', 'succeeded');
    expect([isBusy(), isDisabled()]).toEqual([false, false]);
});

test('clicks while it is busy do not count', async () => {
    render(element());
    click();
    click(50);
    start('a');
    await dash.show('a', 'running');
    click();
    expect(setProps).toHaveBeenCalledTimes(1);
    await dash.show('a', 'failed');
    click();
    expect(setProps).toHaveBeenCalledTimes(2);
});

test('a click that starts no job leaves it busy for a moment only', async () => {
    render(element());
    click();
    await dash.pass(600);
    expect(isBusy()).toBe(false);
});

test.each([['tick.n_intervals'], ['run.n_clicks']])(
    'a callback that %s has called does not keep it busy after its job',
    async (changed) => {
        render(element());
        dash.dashStore.call(changed);
        click();
        start('a');
        await dash.show('a', 'running');
        await dash.show('a', 'succeeded');
        expect(isBusy()).toBe(false);
        click();
        expect(setProps).toHaveBeenCalledTimes(2);
    },
);

test('a click that starts no job waits for its own callbacks only', async () => {
    const callback = {
        callback: {},
        changedPropIds: {},
        predecessors: [{ inputs: [{ id: 'run', property: 'n_clicks' }] }],
    };
    render(element());
    dash.dashStore.call('tick.n_intervals');
    click();
    await dash.pass(600);
    expect(isBusy()).toBe(false);
    // Its callback has set an Input of another one.
    dash.dashStore.set({ callbacks: { executing: [callback] } });
    click();
    await dash.pass(600);
    expect(isBusy()).toBe(true);
    // Such a callback goes on for as long as the page.
    const persistent = { ...callback, callback: { persistent: true } };
    dash.dashStore.set({ callbacks: { executing: [persistent] } });
    await dash.pass(600);
    expect(isBusy()).toBe(false);
});

test('the jobs of a view keep it busy, too', async () => {
    render(element({ job: 'job' }));
    dash.start('a');
    expect(isBusy()).toBe(true);
    await dash.show('a', 'succeeded');
    expect(isBusy()).toBe(false);
});

test('jobs of other callbacks do not', () => {
    render(element());
    dash.start('a');
    expect(isBusy()).toBe(false);
});

describe('with cancel', () => {
    test('a second click cancels the job, but a double click does not', async () => {
        render(element({ cancel: true }));
        click();
        start('a');
        await dash.show('a', 'running');
        expect(button().textContent).toBe('Cancel');
        expect([isBusy(), isDisabled()]).toEqual([true, false]);
        click(300);
        expect(isBusy()).toBe(true);
        click();
        expect(isBusy()).toBe(false);
        await dash.pass(0);
        expect(dash.server.cancelled).toEqual([['a']]);
        expect(setProps).toHaveBeenCalledTimes(1);
    });

    test('Enter in a field of its form cancels no job', async () => {
        render(
            <form>
                <input />
                {element({ cancel: true })}
            </form>,
        );
        screen.getByRole('textbox').focus();
        click();
        start('a');
        await dash.show('a', 'running');
        click();
        expect(isBusy()).toBe(true);
        button().focus();
        click();
        expect(isBusy()).toBe(false);
    });

    test('it is not named so before there is a job', () => {
        render(element({ cancel: true, labels: { cancel: 'Stop' } }));
        click();
        expect(button().textContent).toBe('Run');
        start('a');
        expect(button().textContent).toBe('Stop');
    });
});

test('it can have a content of its own while it is busy', () => {
    render(element({ busy: 'Computing…' }));
    click();
    expect(button().textContent).toBe('Computing…');
});

test('a disabled one does nothing', () => {
    render(element({ disabled: true }));
    expect((button() as HTMLButtonElement).disabled).toBe(true);
    click();
    expect(setProps).not.toHaveBeenCalled();
});

test('in a form it respects its fields, and loads no other page', () => {
    render(
        <form>
            <input required />
            {element()}
        </form>,
    );
    expect(click().defaultPrevented).toBe(true);
    expect(setProps).not.toHaveBeenCalled();
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'x' } });
    click();
    expect(setProps).toHaveBeenCalledTimes(1);
});

test('it announces runs that no view shows', async () => {
    render(element());
    start('a');
    await dash.show('a', 'running');
    expect(screen.getByRole('status').textContent).toBe('Train: Running');
    start('b', { view: 'job' });
    expect(screen.getByRole('status').textContent).toBe('');
});
