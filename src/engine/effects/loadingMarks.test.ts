import { beforeEach, expect, test } from 'vitest';
import { FakeDashStore } from '../../testing/dashStore';
import { LoadingMarks } from './loadingMarks';
import { Renderer } from '../page/renderer';

let dashStore: FakeDashStore;
let marks: LoadingMarks;

beforeEach(() => {
    dashStore = new FakeDashStore();
    dashStore.place('a', 'b', { type: 'x', i: 1 });
    marks = new LoadingMarks(new Renderer(dashStore));
});

test('outputs on the page are marked for as long as they are wanted', () => {
    marks.show([
        ['a', 'children'],
        [{ i: 1, type: 'x' }, 'figure'],
        ['absent', 'children'],
    ]);
    expect(dashStore.marked('a')).toEqual(['children']);
    expect(dashStore.marked({ type: 'x', i: 1 })).toEqual(['figure']);
    marks.show([['a', 'children']]);
    expect(dashStore.marked({ type: 'x', i: 1 })).toEqual([]);
    marks.show([]);
    expect(dashStore.marked('a')).toEqual([]);
});

test('existing marks stay as they are', () => {
    marks.show([['a', 'children']]);
    const { length } = dashStore.actions;
    marks.show([['a', 'children']]);
    marks.show([
        ['a', 'children'],
        ['a', 'children'],
    ]);
    expect(dashStore.actions.length).toBe(length);
});

test('a mark that another callback has cleared is set again', () => {
    marks.show([['a', 'children']]);
    dashStore.set({ loading: {} });
    marks.show([['a', 'children']]);
    expect(dashStore.marked('a')).toEqual(['children']);
});

test('a mark moves with its component, away from its old place', () => {
    marks.show([['a', 'children']]);
    dashStore.place('b', 'a');
    marks.show([['a', 'children']]);
    expect(dashStore.getState().loading).toEqual({
        '["props","children",0]': [],
        '["props","children",1]': [
            { path: ['props', 'children', 1], property: 'children', id: 'a' },
        ],
    });
    dashStore.place('b');
    marks.show([['a', 'children']]);
    expect(dashStore.marked('a')).toEqual([]);
});
