import { beforeEach, describe, expect, test } from 'vitest';
import { handle } from '../../testing/handle';
import { append, FakePage } from '../../testing/page';
import { Overrides } from './overrides';
import { Job } from '../state/job';
import type { Handle } from '../wire/handle';
import type { Update } from '../wire/update';
import { Updates } from './updates';

let page: FakePage;
let updates: Updates;
let overrides: Overrides;

beforeEach(() => {
    page = new FakePage('button', 'bar');
    updates = new Updates(page);
    overrides = new Overrides(page, updates);
});

const job = (on: string) =>
    new Job(
        handle(on, {
            running: [['button', 'children', on, 'rest']],
            progress: [['bar', 'value', 0]],
        }),
    );

test("a shared property shows the last job's value, and rests without jobs", () => {
    const [first, second] = [job('first'), job('second')];
    overrides.start(first);
    overrides.start(second);
    expect(page.props('button')).toEqual({ children: 'second' });
    overrides.release(second);
    expect(page.props('button')).toEqual({ children: 'first' });
    overrides.release(first);
    expect(page.props('button')).toEqual({ children: 'rest' });
});

test('no_update leaves a property as it is', () => {
    const leave = { _dash_no_update: '_dash_no_update' };
    const leaving = new Job(
        handle('leaving', {
            running: [['button', 'children', leave, 'rest']],
            progress: [['bar', 'value', leave]],
        }),
    );
    page.setProps('button', { children: 'before' });
    overrides.start(leaving);
    expect(page.props('button')).toEqual({ children: 'before' });
    overrides.set(leaving, [['bar', 'value', 7]]);
    overrides.release(leaving);
    expect(page.props('button')).toEqual({ children: 'rest' });
    expect(page.props('bar')).toEqual({ value: 7 });
});

describe('a Patch counts once for each job', () => {
    const counting = (retrigger: Handle['retrigger'] = 'parallel') =>
        new Job(
            handle('counting', {
                retrigger,
                running: [['button', 'children', append('+'), append('-')]],
            }),
        );
    const shown = () => page.props('button')?.children;

    beforeEach(() => {
        page.setProps('button', { children: [] });
    });

    const comeBack = () => {
        page.remove('button');
        overrides.refresh();
        page.add('button');
        page.setProps('button', { children: [] });
        updates.flush();
        overrides.refresh();
    };

    test.each(['replace', 'queue', 'parallel', 'ignore'] as const)(
        'with on_retrigger %s',
        (retrigger) => {
            const [first, second] = [counting(retrigger), counting(retrigger)];
            overrides.start(first);
            overrides.start(second);
            overrides.refresh();
            expect(shown()).toEqual(['+', '+']);
            overrides.release(first);
            expect(shown()).toEqual(['+', '+', '-']);
            overrides.release(second);
            overrides.release(second);
            expect(shown()).toEqual(['+', '+', '-', '-']);
        },
    );

    test('also in a component that comes back', () => {
        const [first, second] = [counting(), counting()];
        overrides.start(first);
        overrides.start(second);
        comeBack();
        expect(shown()).toEqual(['+', '+']);
        overrides.release(first);
        comeBack();
        expect(shown()).toEqual(['+']);
        overrides.release(second);
        expect(shown()).toEqual(['+', '-']);
        comeBack();
        expect(shown()).toEqual([]);
    });

    test('in a list of set_progress, for the component at its place', () => {
        const [a, b] = [{ i: 'a' }, { i: 'b' }];
        page.add(a, b);
        const listing = new Job(
            handle('listing', {
                progress: [[{ i: ['ALL'] }, 'children', [[], []]]],
            }),
        );
        overrides.start(listing);
        for (const texts of [
            ['1', '2'],
            ['3', '4'],
        ]) {
            const list = texts.map(append);
            const news: Update[] = [[{ i: ['ALL'] }, 'children', list]];
            overrides.leave(listing, news);
            updates.apply(overrides.spread(listing, news), listing);
        }
        overrides.refresh();
        expect(page.props(a)).toEqual({ children: ['1', '3'] });
        expect(page.props(b)).toEqual({ children: ['2', '4'] });
        overrides.release(listing);
        expect(page.props(b)).toEqual({ children: [] });
        // Only a job that overrides it spreads a list.
        const value: Update[] = [[{ i: ['ALL'] }, 'children', ['x', 'y']]];
        expect(overrides.spread(listing, value)).toEqual(value);
    });

    test('and not at all in a component that was away', () => {
        const only = counting();
        page.remove('button');
        overrides.start(only);
        overrides.release(only);
        page.add('button');
        page.setProps('button', { children: [] });
        updates.flush();
        expect(shown()).toEqual([]);
    });

    test('and is not undone where the component came after the last look', () => {
        const only = counting();
        page.remove('button');
        overrides.start(only);
        page.add('button');
        page.setProps('button', { children: [] });
        overrides.release(only);
        updates.flush();
        expect(shown()).toEqual([]);
    });

    test('beside values, which the last job leaves', () => {
        const both = (name: string) =>
            new Job(
                handle(name, {
                    retrigger: 'parallel',
                    running: [
                        ['button', 'children', append(name), ['rest']],
                        ['bar', 'value', name, 'rest'],
                    ],
                }),
            );
        const [first, second] = [both('first'), both('second')];
        overrides.start(first);
        overrides.start(second);
        overrides.release(first);
        expect(shown()).toEqual(['first', 'second']);
        overrides.release(second);
        expect(shown()).toEqual(['rest']);
        expect(page.props('bar')).toEqual({ value: 'rest' });
    });
});

test('a property that a job streams to is left to it', () => {
    const only = job('on');
    overrides.start(only);
    overrides.leave(only, [['bar', 'value', 7]]);
    page.setProps('bar', { value: 7 });
    page.remove('bar');
    overrides.refresh();
    page.add('bar');
    page.setProps('bar', { value: 8 });
    overrides.refresh();
    expect(page.props('bar')).toEqual({ value: 8 });
    overrides.release(only);
    expect(page.props('bar')).toEqual({ value: 0 });
});

test('a property that is both running and progress rests at the end', () => {
    const both = new Job(
        handle('both', {
            running: [['bar', 'value', 'on', 'off']],
            progress: [['bar', 'value', 0]],
        }),
    );
    overrides.start(both);
    overrides.set(both, [['bar', 'value', 7]]);
    expect(page.props('bar')).toEqual({ value: 7 });
    overrides.release(both);
    expect(page.props('bar')).toEqual({ value: 0 });
});

test('the end of an earlier job does not change shared properties', () => {
    const [first, second] = [job('first'), job('second')];
    overrides.start(first);
    overrides.start(second);
    page.calls.length = 0;
    overrides.release(first);
    expect(page.calls).toEqual([]);
});

test('shared progress shows the last job, then the progress of the other', () => {
    const [first, second] = [job('first'), job('second')];
    overrides.start(first);
    overrides.start(second);
    page.calls.length = 0;
    overrides.set(first, [['bar', 'value', 1]]);
    expect(page.calls).toEqual([]);
    overrides.set(second, [['bar', 'value', 2]]);
    expect(page.props('bar')).toEqual({ value: 2 });
    overrides.release(second);
    expect(page.props('bar')).toEqual({ value: 1 });
    overrides.release(first);
    expect(page.props('bar')).toEqual({ value: 0 });
});

test('running is reset before progress', () => {
    const only = job('on');
    overrides.start(only);
    page.calls.length = 0;
    overrides.release(only);
    expect(page.calls).toEqual([
        ['button', { children: 'rest' }],
        ['bar', { value: 0 }],
    ]);
});

test('a component that is there from the start is not set again', () => {
    overrides.start(job('on'));
    page.calls.length = 0;
    overrides.refresh();
    expect(page.calls).toEqual([]);
});

test('a component that comes back gets what it missed', () => {
    const only = job('on');
    overrides.start(only);
    page.remove('bar');
    overrides.refresh();
    overrides.set(only, [['bar', 'value', 7]]);
    page.add('bar');
    overrides.refresh();
    expect(page.props('bar')).toEqual({ value: 7 });
});

test('a new component is set once, to the current value', () => {
    const [first, second] = [job('first'), job('second')];
    page.remove('button');
    overrides.start(first);
    overrides.start(second);
    overrides.release(second);
    page.add('button');
    page.calls.length = 0;
    updates.flush();
    overrides.refresh();
    expect(page.calls).toEqual([['button', { children: 'first' }]]);
});

test('a released value does not come back', () => {
    const only = job('on');
    page.remove('button');
    overrides.start(only);
    overrides.release(only);
    page.add('button');
    page.calls.length = 0;
    overrides.refresh();
    expect(page.calls).toEqual([]);
});

test('jobs that wait for each other show in turn', () => {
    const queue = ['first', 'second', 'third'].map((name) => {
        const { handle: rest } = job(name);
        return new Job({ ...rest, retrigger: 'queue' });
    });
    queue.forEach((each) => {
        overrides.start(each);
    });
    const shown = queue.map((each) => {
        const { children } = page.props('button') ?? {};
        overrides.release(each);
        return children;
    });
    expect(shown).toEqual(['first', 'second', 'third']);
    expect(page.props('button')).toEqual({ children: 'rest' });
});

describe('patterns', () => {
    const row = (index: number) => ({ type: 'row', index });
    const all = { type: 'row', index: ['ALL'] };
    const many = () =>
        new Job(
            handle('many', {
                running: [[all, 'disabled', true, false]],
                progress: [[all, 'value', null]],
            }),
        );

    test('a pattern overrides every matching component, and no other', () => {
        page.add(row(0), row(1), { type: 'other', index: 0 });
        const only = many();
        overrides.start(only);
        expect(page.props(row(0))).toEqual({ disabled: true, value: null });
        expect(page.props(row(1))).toEqual({ disabled: true, value: null });
        expect(page.props({ type: 'other', index: 0 })).toEqual({});
        overrides.release(only);
        expect(page.props(row(1))).toEqual({ disabled: false, value: null });
    });

    test('a component that comes later is overridden too', () => {
        const only = many();
        overrides.start(only);
        page.add(row(0));
        overrides.refresh();
        expect(page.props(row(0))).toEqual({ disabled: true, value: null });
    });

    test('progress has one value for each component, or one for all', () => {
        page.add(row(0), row(1));
        const only = many();
        overrides.start(only);
        overrides.set(only, [[all, 'value', ['a', 'b']]]);
        expect(page.props(row(0))).toMatchObject({ value: 'a' });
        expect(page.props(row(1))).toMatchObject({ value: 'b' });
        overrides.set(only, [[all, 'value', 'c']]);
        expect(page.props(row(1))).toMatchObject({ value: 'c' });
    });

    test('ALLSMALLER overrides only smaller ones', () => {
        page.add(row(0), row(1), row(2));
        overrides.start(
            new Job(
                handle('a', {
                    running: [
                        [{ type: 'row', index: ['ALLSMALLER', 2] }, 'n', 1, 0],
                    ],
                }),
            ),
        );
        expect(page.props(row(1))).toEqual({ n: 1 });
        expect(page.props(row(2))).toEqual({});
    });
});
