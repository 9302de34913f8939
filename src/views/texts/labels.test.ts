import { expect, test } from 'vitest';
import type { Id } from '../../engine/wire/id';
import { formatShare } from './format';
import { fill, labelsOf, languageOf, nameOf } from './labels';

test('a placeholder without a value stays', () => {
    expect(fill('{a} of {b}', { a: 1 })).toBe('1 of {b}');
    expect(fill('{toString}', {})).toBe('{toString}');
});

test('what is no text has that of the language in its place', () => {
    const labels = labelsOf({ eta: null, soon: '', took: 5 });
    expect([labels.eta, labels.soon, labels.took]).toEqual([
        'about {time} left',
        '',
        'took {time}',
    ]);
});

test.each([
    ['de_DE', 'de-DE', '50\u00a0%'],
    ['DE', 'de', '50\u00a0%'],
    ['C', 'en', '50%'],
    ['de_DE.UTF-8', 'en', '50%'],
    ['', 'en', '50%'],
    [5, 'en', '50%'],
    [undefined, 'en', '50%'],
])('a locale of %o is %s for the browser', (locale, expected, half) => {
    const labels = labelsOf({ locale });
    expect(labels.locale).toBe(expected);
    expect(languageOf({ locale })).toBe(expected.slice(0, 2));
    expect(formatShare(0.5, labels)).toBe(half);
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
    expect(nameOf({ name: task, outputs }, labelsOf({}))).toBe(name);
});

test('a title comes before a label, and an empty one does not count', () => {
    const run: Parameters<typeof nameOf>[0] = {
        name: 'app.train',
        outputs: [],
    };
    const labels = labelsOf({ 'app.train': 'Training' });
    expect(nameOf(run, labels)).toBe('Training');
    expect(nameOf({ ...run, title: '' }, labels)).toBe('Training');
    expect(nameOf({ ...run, title: 'data.csv' }, labels)).toBe('data.csv');
});
