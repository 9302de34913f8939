import { beforeEach, expect, test } from 'vitest';
import { FakeStore } from '../../testing/store';
import { Marks } from './loadingMarks';
import { Renderer } from '../page/renderer';

let store: FakeStore;
let marks: Marks;

beforeEach(() => {
    store = new FakeStore();
    store.place('a', 'b', { type: 'x', i: 1 });
    marks = new Marks(new Renderer(store));
});

test('outputs on the page are marked, and no longer when they are not wanted', () => {
    marks.show([
        ['a', 'children'],
        [{ i: 1, type: 'x' }, 'figure'],
        ['absent', 'children'],
    ]);
    expect(store.marked('a')).toEqual(['children']);
    expect(store.marked({ type: 'x', i: 1 })).toEqual(['figure']);
    marks.show([['a', 'children']]);
    expect(store.marked({ type: 'x', i: 1 })).toEqual([]);
    marks.show([]);
    expect(store.marked('a')).toEqual([]);
});

test('marks that are there are left alone', () => {
    marks.show([['a', 'children']]);
    const { length } = store.actions;
    marks.show([['a', 'children']]);
    marks.show([
        ['a', 'children'],
        ['a', 'children'],
    ]);
    expect(store.actions.length).toBe(length);
});

test('a mark that was cleared by another is set again', () => {
    marks.show([['a', 'children']]);
    store.set({ loading: {} });
    marks.show([['a', 'children']]);
    expect(store.marked('a')).toEqual(['children']);
});

test('a mark moves with its component, and leaves what takes its place', () => {
    marks.show([['a', 'children']]);
    store.place('b', 'a');
    marks.show([['a', 'children']]);
    expect(store.getState().loading).toEqual({
        '["props","children",0]': [],
        '["props","children",1]': [
            { path: ['props', 'children', 1], property: 'children', id: 'a' },
        ],
    });
    store.place('b');
    marks.show([['a', 'children']]);
    expect(store.marked('a')).toEqual([]);
});
