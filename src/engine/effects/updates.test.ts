import { expect, test } from 'vitest';
import { append, FakePage } from '../../testing/page';
import { Updates } from './updates';

test('neighbours of one component go in one call', () => {
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

test('each update of one property has its own call, so that Patches add up', () => {
    const page = new FakePage('a');
    new Updates(page).apply([
        ['a', 'children', []],
        ['a', 'children', append(1)],
        ['a', 'children', append(2)],
    ]);
    expect(page.props('a')).toEqual({ children: [1, 2] });
});

test('dict ids are told apart by what they hold, not by its order', () => {
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

test('a plain value replaces what waits for its property, and nothing else', () => {
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

test('what waits goes before what comes with the component', () => {
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

test('a flush reaches components that it brings itself', () => {
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

test('an update of a pattern goes to every component that fits', () => {
    const page = new FakePage({ index: 0 }, { index: 1 });
    const updates = new Updates(page);
    updates.apply([[{ index: ['ALL'] }, 'n', 1]]);
    expect(page.props({ index: 0 })).toEqual({ n: 1 });
    expect(page.props({ index: 1 })).toEqual({ n: 1 });
    expect(updates.waiting).toBe(false);
});
