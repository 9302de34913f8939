import { expect, test } from 'vitest';
import {
    formatAge,
    formatAgo,
    formatAmount,
    formatExactTime,
    formatShare,
    formatTime,
} from './format';
import { labelsOf } from './labels';

const labels = labelsOf('en');

test.each([-5, -0.4, -1e9])(
    'a time of %d s, after a clock was set back, is none',
    (seconds) => {
        expect(formatTime(seconds, labels)).toBe('0 s');
        expect(formatExactTime(seconds, labels)).toBe('0 s');
        expect(formatAge(seconds, labels)).toBe('0 seconds ago');
        expect(formatAgo(seconds * 1000, labels)).toBe('now');
    },
);

test('huge numbers stay readable', () => {
    expect(formatTime(1e9, labels)).toBe('277777 h 46 min');
    expect(formatAge(1e9, labels)).toBe('11,574 days ago');
    expect(formatAmount(1e21, { base: 1000, unit: 'B' }, labels)).toBe(
        '1,000\u00a0EB',
    );
    expect(formatShare(0, labels)).toBe('0%');
});
