import { beforeEach, describe, expect, test } from 'vitest';
import { handle } from '../../testing/handle';
import { FakePage } from '../../testing/page';
import { Claims } from './heldProps';
import { Job } from '../job';
import { Updates } from './updates';

let page: FakePage;
let updates: Updates;
let claims: Claims;

beforeEach(() => {
    page = new FakePage('button', 'bar');
    updates = new Updates(page);
    claims = new Claims(page, updates);
});

const job = (on: string) =>
    new Job(
        handle(on, {
            running: [['button', 'children', on, 'rest']],
            progress: [['bar', 'value', 0]],
        }),
    );

test('a shared property shows the last job, and rests when none is left', () => {
    const [first, second] = [job('first'), job('second')];
    claims.take(first);
    claims.take(second);
    expect(page.props('button')).toEqual({ children: 'second' });
    claims.release(second);
    expect(page.props('button')).toEqual({ children: 'first' });
    claims.release(first);
    expect(page.props('button')).toEqual({ children: 'rest' });
});

test('a property that is both running and progress is at rest in the end', () => {
    const both = new Job(
        handle('both', {
            running: [['bar', 'value', 'on', 'off']],
            progress: [['bar', 'value', 0]],
        }),
    );
    claims.take(both);
    claims.set(both, [['bar', 'value', 7]]);
    expect(page.props('bar')).toEqual({ value: 7 });
    claims.release(both);
    expect(page.props('bar')).toEqual({ value: 0 });
});

test('the end of an earlier job touches nothing that is shared', () => {
    const [first, second] = [job('first'), job('second')];
    claims.take(first);
    claims.take(second);
    page.calls.length = 0;
    claims.release(first);
    expect(page.calls).toEqual([]);
});

test('shared progress shows the last job, and then what the other is at', () => {
    const [first, second] = [job('first'), job('second')];
    claims.take(first);
    claims.take(second);
    page.calls.length = 0;
    claims.set(first, [['bar', 'value', 1]]);
    expect(page.calls).toEqual([]);
    claims.set(second, [['bar', 'value', 2]]);
    expect(page.props('bar')).toEqual({ value: 2 });
    claims.release(second);
    expect(page.props('bar')).toEqual({ value: 1 });
    claims.release(first);
    expect(page.props('bar')).toEqual({ value: 0 });
});

test('running comes to rest before progress', () => {
    const only = job('on');
    claims.take(only);
    page.calls.length = 0;
    claims.release(only);
    expect(page.calls).toEqual([
        ['button', { children: 'rest' }],
        ['bar', { value: 0 }],
    ]);
});

test('a component that is there to begin with is not set again', () => {
    claims.take(job('on'));
    page.calls.length = 0;
    claims.refresh();
    expect(page.calls).toEqual([]);
});

test('a component that comes back is set to what it missed', () => {
    const only = job('on');
    claims.take(only);
    page.remove('bar');
    claims.refresh();
    claims.set(only, [['bar', 'value', 7]]);
    page.add('bar');
    claims.refresh();
    expect(page.props('bar')).toEqual({ value: 7 });
});

test('a component that comes is set once, to what shows now', () => {
    const [first, second] = [job('first'), job('second')];
    page.remove('button');
    claims.take(first);
    claims.take(second);
    claims.release(second);
    page.add('button');
    page.calls.length = 0;
    updates.flush();
    claims.refresh();
    expect(page.calls).toEqual([['button', { children: 'first' }]]);
});

test('a value that no job holds any more does not come back', () => {
    const only = job('on');
    page.remove('button');
    claims.take(only);
    claims.release(only);
    page.add('button');
    page.calls.length = 0;
    claims.refresh();
    expect(page.calls).toEqual([]);
});

test('jobs that wait for each other show one after the other', () => {
    const queue = ['first', 'second', 'third'].map((name) => {
        const { handle: rest } = job(name);
        return new Job({ ...rest, retrigger: 'queue' });
    });
    queue.forEach((each) => {
        claims.take(each);
    });
    const shown = queue.map((each) => {
        const { children } = page.props('button') ?? {};
        claims.release(each);
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

    test('a pattern holds every component that fits, and no other', () => {
        page.add(row(0), row(1), { type: 'other', index: 0 });
        const holder = many();
        claims.take(holder);
        expect(page.props(row(0))).toEqual({ disabled: true, value: null });
        expect(page.props(row(1))).toEqual({ disabled: true, value: null });
        expect(page.props({ type: 'other', index: 0 })).toEqual({});
        claims.release(holder);
        expect(page.props(row(1))).toEqual({ disabled: false, value: null });
    });

    test('a component that comes later is held too', () => {
        const holder = many();
        claims.take(holder);
        page.add(row(0));
        claims.refresh();
        expect(page.props(row(0))).toEqual({ disabled: true, value: null });
    });

    test('progress has a value for each component, or one for all', () => {
        page.add(row(0), row(1));
        const holder = many();
        claims.take(holder);
        claims.set(holder, [[all, 'value', ['a', 'b']]]);
        expect(page.props(row(0))).toMatchObject({ value: 'a' });
        expect(page.props(row(1))).toMatchObject({ value: 'b' });
        claims.set(holder, [[all, 'value', 'c']]);
        expect(page.props(row(1))).toMatchObject({ value: 'c' });
    });

    test('smaller ones only, if the pattern says so', () => {
        page.add(row(0), row(1), row(2));
        claims.take(
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
