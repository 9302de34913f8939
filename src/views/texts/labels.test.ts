import { expect, test } from 'vitest';
import type { Id } from '../../engine/wire/id';
import { fill, LABELS, nameOf } from './labels';

test('a placeholder without a value stays', () => {
    expect(fill('{a} of {b}', { a: 1 })).toBe('1 of {b}');
    expect(fill('{toString}', {})).toBe('{toString}');
});

test.each([
    ['app.load_data', null, 'Load data'],
    ['app.load_data', 'table', 'Load data'],
    ['app.<lambda>', null, 'Job'],
    ['app.<lambda>', 'sales-by_year', 'Sales by year'],
    ['app.<lambda>', { type: 'table', index: 1 }, 'Job'],
    ['app._', null, 'Job'],
    ['constructor', null, 'Constructor'],
    ['', null, 'Job'],
])('the name of %s for %s is %s', (task, output, name) => {
    const outputs: [Id, string][] = output ? [[output, 'children']] : [];
    expect(nameOf({ name: task, outputs }, LABELS)).toBe(name);
});

test('a title comes before a label, and an empty one does not count', () => {
    const run: Parameters<typeof nameOf>[0] = {
        name: 'app.train',
        outputs: [],
    };
    const labels = { ...LABELS, 'app.train': 'Training' };
    expect(nameOf(run, labels)).toBe('Training');
    expect(nameOf({ ...run, title: '' }, labels)).toBe('Training');
    expect(nameOf({ ...run, title: 'data.csv' }, labels)).toBe('data.csv');
});
