import { expect, test } from 'vitest';
import { fill, LABELS, nameOf } from './labels';

test('a placeholder without a value stays', () => {
    expect(fill('{a} of {b}', { a: 1 })).toBe('1 of {b}');
    expect(fill('{toString}', {})).toBe('{toString}');
});

test.each([
    ['app.load_data', 'Load data'],
    ['app.<lambda>', 'Job'],
    ['app._', 'Job'],
    ['constructor', 'Constructor'],
    ['', 'Job'],
])('the name of %s is %s', (task, name) => {
    expect(nameOf({ name: task }, LABELS)).toBe(name);
});
