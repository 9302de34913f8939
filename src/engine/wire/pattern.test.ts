import { expect, test } from 'vitest';
import { fits, fitsProp, isPattern } from './pattern';

test('wildcards make a pattern', () => {
    expect(isPattern({ index: ['ALL'] })).toBe(true);
    expect(isPattern({ index: 1 })).toBe(false);
    expect(isPattern('index')).toBe(false);
});

test('an id matches itself', () => {
    expect(fits('a', 'a')).toBe(true);
    expect(fits('a', 'b')).toBe(false);
    expect(fits({ a: 1 }, { a: 1 })).toBe(true);
    expect(fits({ a: 1 }, { a: 2 })).toBe(false);
    expect(fits({ a: 1 }, 'a')).toBe(false);
});

test('a pattern matches only ids with the same keys', () => {
    expect(fits({ a: ['ALL'] }, { a: 1 })).toBe(true);
    expect(fits({ a: ['ALL'] }, { a: 1, b: 1 })).toBe(false);
    expect(fits({ a: ['ALL'], b: 1 }, { a: 1 })).toBe(false);
    expect(fits({ a: ['ALL'], b: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(fits({ toString: ['ALL'] }, { a: 1 })).toBe(false);
});

test('a prop id is split at its last dot', () => {
    const pattern = { index: ['ALL'] };
    expect(fitsProp(['stop', 'n_clicks'], 'stop.n_clicks')).toBe(true);
    expect(fitsProp(['stop', 'n_clicks'], 'stop.value')).toBe(false);
    expect(fitsProp([pattern, 'n'], '{"index":"a.b"}.n')).toBe(true);
    expect(fitsProp([pattern, 'n'], 'index.n')).toBe(false);
});
