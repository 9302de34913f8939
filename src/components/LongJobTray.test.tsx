import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';
import {
    afterEach,
    beforeEach,
    describe,
    expect,
    test,
    vi,
    type Mock,
} from 'vitest';
import type { Question } from '../engine/wire/snapshot';
import '../details';
import { LongJobTray } from '../index';
import '../tray';
import { dash, setUpDash } from '../testing/dash';

setUpDash();

beforeEach(() => {
    document.title = 'App';
    vi.spyOn(console, 'error').mockReturnValue();
});

const summary = () => document.querySelector('summary');
const items = () =>
    screen.queryAllByRole('listitem').map((item) => item.textContent);
const click = (name: string) => {
    fireEvent.click(screen.getByRole('button', { name }));
};

/** Open the tray: in jsdom a click on a summary does not. */
function toggle(): void {
    const details = document.querySelector('details');
    if (details) {
        details.open = !details.open;
        fireEvent(details, new Event('toggle'));
    }
}

async function fail(token: string): Promise<void> {
    await dash.show(token, 'failed', {
        elapsed: 3,
        error: { type: 'ValueError', message: 'bad' },
    });
}

test('it lists all jobs, also those without a view', async () => {
    render(<LongJobTray />);
    dash.start('a', { callbackKey: 'a', view: null, name: 'app.load_data' });
    dash.start('b', { callbackKey: 'b' });
    await dash.show('a', 'running', { elapsed: 9, bars: [[3, 10, null]] });
    expect(summary()?.textContent).toBe('Jobs2');
    expect(items()).toEqual([]);
    toggle();
    expect(items()).toEqual([
        'TrainStarting…nowCancel',
        'Load dataRunning3 of 1030%9 sabout 21 s leftCancel',
    ]);
    await dash.pass(1000);
    expect(items()[1]).toContain('10 sabout 20 s left');
});

test('it says which jobs the server can not reach', async () => {
    render(<LongJobTray />);
    dash.start('a', { callbackKey: 'a', name: 'app.load_data' });
    dash.start('b', { callbackKey: 'b' });
    dash.server.unreachable = ['a'];
    await dash.pass(1000);
    toggle();
    expect(items()[0]).not.toContain('Connection lost');
    expect(items()[1]).toContain('Connection lost');
});

test('it lists live jobs first, then the newest, with their ages', async () => {
    render(<LongJobTray />);
    for (const token of ['a', 'b', 'c', 'd']) {
        dash.start(token, { callbackKey: token, name: `app.${token}` });
        await dash.pass(60_000);
    }
    await dash.show('b', 'succeeded');
    await dash.show('d', 'succeeded');
    toggle();
    const starts = items().map((item) => item.slice(0, 5));
    expect(starts).toEqual(['CQueu', 'AQueu', 'DDone', 'BDone']);
    expect(items()[1]).toContain('4 minutes ago');
    await dash.pass(60_000);
    expect(items()[1]).toContain('5 minutes ago');
});

test('jobs with the same name are numbered', () => {
    render(<LongJobTray />);
    dash.start('a', { callbackKey: 'a' });
    dash.start('b', { callbackKey: 'b' });
    dash.start('c', { callbackKey: 'c', name: 'app.fit' });
    toggle();
    const names = screen
        .getAllByRole('button')
        .map((button) => button.getAttribute('aria-label'));
    expect(names).toEqual([
        'Cancel: Fit',
        'Cancel: Train 2',
        'Cancel: Train 1',
    ]);
});

test('it says when there are no jobs yet', () => {
    render(<LongJobTray />);
    toggle();
    expect(document.querySelector('.long-job-panel')?.textContent).toBe(
        'No jobs yet',
    );
});

test('its buttons cancel and retry a job', async () => {
    render(<LongJobTray />);
    dash.start('a', { callbackKey: 'a' });
    dash.start('b', { callbackKey: 'b', name: 'app.fit' });
    toggle();
    screen.getByRole('button', { name: 'Cancel: Train' }).focus();
    click('Cancel: Train');
    await dash.pass(0);
    expect(dash.server.cancelled).toEqual([['a']]);
    expect(document.activeElement).toBe(summary());
    click('Retry: Train');
    await dash.pass(0);
    const { url } = dash.server.requests[dash.server.requests.length - 1] ?? {};
    expect(url).toBe('/_dash-update-component');
});

test('its button goes to a result, on the page where the job was started', async () => {
    const navigated = vi.fn();
    window.addEventListener('_dashprivate_pushstate', navigated);
    document.body.insertAdjacentHTML('beforeend', '<p id="out">done</p>');
    const out = document.getElementById('out') ?? document.body;
    const scroll = vi.fn();
    out.scrollIntoView = scroll;
    render(<LongJobTray />);
    dash.start('a', { outputs: [['out', 'children']] });
    await dash.show('a', 'succeeded');
    window.history.pushState({}, '', '/other');
    toggle();
    click('Show result: Train');
    expect(window.location.pathname).toBe('/');
    expect(navigated).toHaveBeenCalledOnce();
    expect(scroll).toHaveBeenCalledOnce();
    expect(document.activeElement).toBe(out);
    out.blur();
    expect(out.hasAttribute('tabindex')).toBe(false);
    window.removeEventListener('_dashprivate_pushstate', navigated);
    out.remove();
});

test('it waits for a result that comes with its page', async () => {
    render(<LongJobTray />);
    dash.start('a', { outputs: [['late', 'children']] });
    await dash.show('a', 'succeeded');
    toggle();
    click('Show result: Train');
    const late = document.createElement('input');
    late.id = 'late';
    late.scrollIntoView = vi.fn();
    document.body.append(late);
    await dash.pass(50);
    expect(document.activeElement).toBe(late);
    expect(late.hasAttribute('tabindex')).toBe(false);
    late.remove();
});

test('only the last result that the user asked for gets the focus', async () => {
    render(<LongJobTray />);
    dash.start('a', { outputs: [['early', 'children']] });
    dash.start('b', { callbackKey: 'b', outputs: [['late', 'children']] });
    await dash.show('a', 'succeeded');
    await dash.show('b', 'succeeded');
    toggle();
    click('Show result: Train 1');
    click('Show result: Train 2');
    const add = async (id: string) => {
        const input = document.createElement('input');
        input.id = id;
        input.scrollIntoView = vi.fn();
        document.body.append(input);
        await dash.pass(100);
        return input;
    };
    const late = await add('late');
    const early = await add('early');
    expect(document.activeElement).toBe(late);
    late.remove();
    early.remove();
});

test('its button clears what has ended', async () => {
    render(<LongJobTray />);
    dash.start('a', { callbackKey: 'a' });
    dash.start('b', { callbackKey: 'b', name: 'app.fit' });
    await fail('a');
    toggle();
    expect(items().length).toBe(2);
    click('Clear finished');
    expect(items()).toEqual(['FitStarting…nowCancel']);
    await fail('b');
    click('Clear finished');
    expect(items()).toEqual([]);
    expect(screen.queryByRole('button', { name: 'Clear finished' })).toBeNull();
});

test('Escape and a click elsewhere close it', () => {
    render(<LongJobTray />);
    const isOpen = () => document.querySelector('details')?.open;
    toggle();
    fireEvent.pointerDown(screen.getByText('No jobs yet'));
    expect(isOpen()).toBe(true);
    fireEvent.keyDown(document.body, { key: 'Escape' });
    expect(isOpen()).toBe(false);
    expect(document.activeElement).toBe(summary());
    toggle();
    fireEvent.pointerDown(document.body);
    expect(isOpen()).toBe(false);
});

describe('a toast', () => {
    const toasts = () =>
        [...document.querySelectorAll('.long-job-toasts > li')].map(
            ({ textContent }) => textContent,
        );
    const leave = () => {
        window.history.pushState({}, '', '/other');
    };

    afterEach(() => {
        window.history.pushState({}, '', '/');
    });

    test('tells of a job that ends on another page', async () => {
        render(<LongJobTray />);
        dash.start('a', { outputs: [['out', 'children']] });
        dash.start('b', { callbackKey: 'b', title: 'data.csv' });
        dash.start('c', { callbackKey: 'c' });
        leave();
        await dash.show('a', 'succeeded');
        expect(toasts()).toEqual(['Train 1DoneShow resultClose']);
        await fail('b');
        await dash.show('c', 'cancelled');
        expect(toasts()).toEqual([
            'Train 1DoneShow resultClose',
            'data.csvFailedValueError: badRetryClose',
        ]);
        expect(screen.getByRole('status').textContent).toBe(
            'data.csv: Failed, ValueError: bad',
        );
        click('Close: data.csv');
        click('Show result: Train 1');
        expect(toasts()).toEqual([]);
        expect(window.location.pathname).toBe('/');
    });

    test('tells of a job that asks on another page', async () => {
        render(<LongJobTray />);
        dash.start('a');
        leave();
        const question: Question = {
            id: '1.1',
            text: 'Go on?',
            choices: ['yes'],
            default: null,
            left: null,
        };
        await dash.show('a', 'running', { elapsed: 1, question });
        expect(toasts()).toEqual(['TrainWaits for an answerGo on?CancelClose']);
        expect(screen.getByRole('status').textContent).toContain('Go on?');
        await dash.show('a', 'succeeded');
        expect(toasts()).toEqual(['TrainDoneClose']);
    });

    test('goes after ten seconds, unless the user is at it', async () => {
        render(<LongJobTray />);
        dash.start('a');
        leave();
        await fail('a');
        const close = screen.getByRole('button', { name: 'Close: Train' });
        close.focus();
        await dash.pass(11_000);
        expect(toasts().length).toBe(1);
        fireEvent.keyDown(close, { key: 'Escape' });
        expect(toasts()).toEqual([]);
        expect(document.activeElement).toBe(summary());
        dash.start('b', { callbackKey: 'b' });
        window.history.pushState({}, '', '/');
        await fail('b');
        expect(toasts().length).toBe(1);
        await dash.pass(5000);
        dash.start('c', { callbackKey: 'c' });
        await dash.pass(5000);
        expect(toasts()).toEqual([]);
    });

    test('goes when the user opens the page of the job in another way', async () => {
        render(<LongJobTray />);
        dash.start('a');
        leave();
        await fail('a');
        expect(toasts().length).toBe(1);
        window.history.pushState({}, '', '/?tab=2');
        act(() => {
            // What the page shows changes.
            dash.dashStore.set({ paths: { strs: {}, objs: {} } });
        });
        expect(toasts()).toEqual([]);
        leave();
        await dash.pass(100);
        expect(toasts()).toEqual([]);
    });

    test('stays under the focus when the pointer leaves it, and the reverse', async () => {
        render(<LongJobTray />);
        dash.start('a');
        leave();
        await fail('a');
        const close = screen.getByRole('button', { name: 'Close: Train' });
        fireEvent.pointerEnter(close);
        close.focus();
        fireEvent.pointerLeave(close);
        await dash.pass(11_000);
        expect(toasts().length).toBe(1);
        fireEvent.pointerEnter(close);
        close.blur();
        await dash.pass(11_000);
        expect(toasts().length).toBe(1);
        fireEvent.pointerLeave(close);
        await dash.pass(11_000);
        expect(toasts()).toEqual([]);
    });

    test('does not come on the page of the job, or if it is off', async () => {
        const { rerender } = render(<LongJobTray />);
        dash.start('a');
        await fail('a');
        rerender(<LongJobTray toasts={false} />);
        dash.start('b', { callbackKey: 'b' });
        leave();
        await fail('b');
        expect(toasts()).toEqual([]);
        expect(screen.queryByRole('status')).toBeNull();
    });
});

describe('the title of the tab', () => {
    const settle = () => dash.pass(0);

    test('has the number of one of two trays', async () => {
        render(
            <>
                <LongJobTray id="one" />
                <LongJobTray id="two" badge={false} />
            </>,
        );
        const { head } = document;
        let changes = 0;
        const observer = new MutationObserver(() => {
            changes += 1;
            if (changes > 9) {
                // Trays that overwrite each other would never let a test end.
                document.title = 'App';
                vi.spyOn(document, 'title', 'set').mockReturnValue();
            }
        });
        observer.observe(head, { childList: true, subtree: true });
        dash.start('a', { callbackKey: 'a' });
        await dash.pass(0);
        observer.disconnect();
        expect(document.title).toBe('(1)\u00a0App');
        expect(changes).toBeLessThan(4);
    });

    test('shows how many jobs are live', async () => {
        const { unmount } = render(<LongJobTray />);
        expect(document.title).toBe('App');
        dash.start('a', { callbackKey: 'a' });
        dash.start('b', { callbackKey: 'b' });
        expect(document.title).toBe('(2)\u00a0App');
        document.title = 'Page 2';
        await settle();
        expect(document.title).toBe('(2)\u00a0Page 2');
        await fail('a');
        expect(document.title).toBe('(1)\u00a0Page 2');
        unmount();
        expect(document.title).toBe('Page 2');
    });

    test("stays Dash's own while callbacks run", async () => {
        dash.dashStore.configure({ update_title: 'Updating...' });
        render(<LongJobTray />);
        dash.start('a');
        document.title = 'Updating...';
        await settle();
        expect(document.title).toBe('Updating...');
        document.title = '(3)\u00a0App';
        await settle();
        expect(document.title).toBe('(1)\u00a0App');
    });

    test('stays as it is without a badge', () => {
        document.title = '(2024) Report';
        render(<LongJobTray badge={false} />);
        dash.start('a');
        expect(document.title).toBe('(2024) Report');
    });
});

describe('a notification', () => {
    let notice: Mock<(title: string, options: NotificationOptions) => void>;
    let hidden: boolean;

    class FakeNotification {
        static permission: NotificationPermission = 'granted';
        static requestPermission = () => Promise.resolve('granted' as const);
        static last: FakeNotification;
        onclick: () => void = () => undefined;
        constructor(title: string, options: NotificationOptions) {
            notice(title, options);
            FakeNotification.last = this;
        }
        close(): void {
            return undefined;
        }
    }

    beforeEach(() => {
        notice = vi.fn();
        hidden = true;
        FakeNotification.permission = 'granted';
        vi.stubGlobal('Notification', FakeNotification);
        vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden);
    });

    test('has the title of the job', async () => {
        render(<LongJobTray />);
        dash.start('a', { title: 'data.csv' });
        await fail('a');
        expect(notice).toHaveBeenCalledExactlyOnceWith(
            'data.csv',
            expect.anything(),
        );
    });

    test('shows the end of a job while the page is hidden', async () => {
        render(<LongJobTray />);
        dash.start('a');
        await fail('a');
        expect(notice).toHaveBeenCalledExactlyOnceWith('Train', {
            body: 'Failed, ValueError: bad',
            tag: 'a',
        });
    });

    test.each([
        [{ badge: false }, 3],
        [{ notify: false }, 3],
        [{ badge: false, notify: false }, 1],
    ])(
        'comes soon if badge or notifications are on: %j',
        async (props, polls) => {
            render(<LongJobTray {...props} />);
            dash.start('a');
            await dash.pass(11_000);
            expect(dash.server.polls.length).toBe(polls);
        },
    );

    const ASKED: Question = {
        id: '1.1',
        text: 'Go on?',
        choices: [],
        default: null,
        left: null,
    };

    test.each(['job', null])(
        'of a question leads to its form (view %j)',
        async (view) => {
            render(
                <>
                    <LongJobTray />
                    <button id="job">The view</button>
                </>,
            );
            const job = screen.getByRole('button', { name: 'The view' });
            job.scrollIntoView = vi.fn();
            dash.start('a', { view });
            await dash.show('a', 'running', { question: ASKED });
            act(() => {
                FakeNotification.last.onclick();
            });
            const isInTray = document.querySelector('details[open]') !== null;
            expect(isInTray).toBe(view === null);
            expect(document.activeElement === job).toBe(view !== null);
        },
    );

    test('comes once for each question', async () => {
        render(<LongJobTray />);
        dash.start('a');
        for (const id of ['1.1', '1.1', '1.2']) {
            const question = { ...ASKED, id };
            await dash.show('a', 'running', { question });
            await dash.pass(5000);
        }
        expect(notice.mock.calls.map(([, { body }]) => body)).toEqual([
            'Waits for an answer, Go on?',
            'Waits for an answer, Go on?',
        ]);
    });

    test('does not come on a visible page, or if it is off', async () => {
        const { rerender } = render(<LongJobTray />);
        dash.start('a');
        hidden = false;
        await fail('a');
        hidden = true;
        rerender(<LongJobTray notify={false} />);
        dash.start('b');
        await fail('b');
        expect(notice).not.toHaveBeenCalled();
    });

    test('is offered if the browser allows to ask', async () => {
        FakeNotification.permission = 'default';
        render(<LongJobTray />);
        toggle();
        click('Notify me when a job ends');
        await dash.pass(0);
        expect(screen.queryByRole('button', { name: /Notify/ })).toBeNull();
        dash.start('a');
        await fail('a');
        expect(notice).toHaveBeenCalledOnce();
    });
});
