import { expect, test } from 'vitest';
import { append, FakePage } from '../../testing/page';
import type { Id } from '../wire/id';
import { Updates } from './updates';

test('consecutive updates of one component go in one call', () => {
    const page = new FakePage('a', 'b');
    new Updates(page).apply([
        ['a', 'title', 1],
        ['a', 'children', 2],
        ['b', 'title', 3],
        ['a', 'title', 4],
    ]);
    expect(page.calls).toEqual([
        ['a', { title: 1, children: 2 }],
        ['b', { title: 3 }],
        ['a', { title: 4 }],
    ]);
});

test('properties may have names that every object inherits', () => {
    const page = new FakePage('a');
    const named = Object.entries(
        JSON.parse('{"toString":1,"__proto__":2}') as object,
    );
    new Updates(page).apply(
        named.map(([property, value]) => ['a', property, value]),
    );
    const [[, props]] = page.calls as [[Id, object]];
    expect(Object.entries(props)).toEqual(named);
});

test('each update of one property has its own call, so that Patches add up', () => {
    const page = new FakePage('a');
    new Updates(page).apply([
        ['a', 'children', []],
        ['a', 'children', append(1)],
        ['a', 'children', append(2)],
    ]);
    expect(page.props('a')).toEqual({ children: [1, 2] });
});

test('dict ids with the same items in another order are equal', () => {
    const page = new FakePage({ index: 1, type: 'x' });
    new Updates(page).apply([
        [{ type: 'x', index: 1 }, 'title', 'one'],
        [{ index: 1, type: 'x' }, 'children', 'two'],
        [{ index: 2, type: 'x' }, 'children', 'absent'],
    ]);
    expect(page.calls).toEqual([
        [
            { type: 'x', index: 1 },
            { title: 'one', children: 'two' },
        ],
    ]);
});

test('a plain value replaces only the waiting updates of its property', () => {
    const page = new FakePage();
    const updates = new Updates(page);
    updates.apply([
        ['a', 'children', append('gone')],
        ['a', 'title', 'kept'],
        ['a', 'children', ['first']],
        ['a', 'children', append('second')],
    ]);
    expect(updates.waiting).toBe(true);
    page.add('a');
    updates.flush();
    expect(page.props('a')).toEqual({
        title: 'kept',
        children: ['first', 'second'],
    });
    expect(updates.waiting).toBe(false);
});

test('waiting updates come before those that arrive with the component', () => {
    const page = new FakePage('box');
    const updates = new Updates(page);
    updates.apply([['inner', 'children', ['waited']]]);
    const setProps = page.setProps.bind(page);
    page.setProps = (id, props) => {
        setProps(id, props);
        if (id === 'box') {
            page.add('inner');
        }
    };
    updates.apply([
        ['box', 'children', 'inner'],
        ['inner', 'children', append('later')],
    ]);
    expect(page.props('inner')).toEqual({ children: ['waited', 'later'] });
});

test('a flush reaches components that it creates itself', () => {
    const page = new FakePage();
    const updates = new Updates(page);
    updates.apply([
        ['inner', 'title', 1],
        ['box', 'title', 2],
    ]);
    const setProps = page.setProps.bind(page);
    page.setProps = (id, props) => {
        setProps(id, props);
        if (id === 'box') {
            page.add('inner');
        }
    };
    page.add('box');
    updates.flush();
    expect(page.props('inner')).toEqual({ title: 1 });
});

test('an update of a pattern goes to every matching component', () => {
    const page = new FakePage({ index: 0 }, { index: 1 });
    const updates = new Updates(page);
    updates.apply([[{ index: ['ALL'] }, 'n', 1]]);
    expect(page.props({ index: 0 })).toEqual({ n: 1 });
    expect(page.props({ index: 1 })).toEqual({ n: 1 });
    expect(updates.waiting).toBe(false);
});
