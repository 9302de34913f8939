import type { BarExtras } from '../../engine/wire/snapshot';
import { fill, type Labels } from './labels';

/** Write a duration as `42 s`, `12 min 5 s` or `1 h 3 min`. */
export function formatTime(seconds: number, labels: Labels): string {
    const whole = Math.max(0, Math.floor(seconds));
    const h = Math.floor(whole / 3600);
    const m = Math.floor(whole / 60) % 60;
    const s = whole % 60;
    const template = h > 0 ? 'hours' : m > 0 ? 'minutes' : 'seconds';
    return fill(labels[template], { h, m, s });
}

/** Write a short duration with its tenths, so that quick jobs differ. */
export function formatExactTime(seconds: number, labels: Labels): string {
    return seconds < 10
        ? fill(labels.seconds, {
              // A clock that was set back makes a time negative.
              s: formatNumber(Math.max(0, seconds), labels),
          })
        : formatTime(seconds, labels);
}

/** Return percent, rounded down, so that 100 means all of it. */
export function percent(share: number): number {
    // 0.29 * 100 is a little less than 29.
    return Math.floor(share * 100 + 1e-9);
}

export function formatShare(share: number, { locale }: Labels): string {
    const format = new Intl.NumberFormat(locale, { style: 'percent' });
    return format.format(percent(share) / 100);
}

export function formatNumber(value: number, { locale }: Labels): string {
    return value.toLocaleString(locale, { maximumFractionDigits: 1 });
}

/** Powers of the base of a number with a prefix. */
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Write a number with its unit: `3.7 GB` with a base, `300 B` without. */
export function formatAmount(
    value: number,
    { unit = '', base }: BarExtras,
    labels: Labels,
): string {
    let power = 0;
    while (base && Math.abs(value) >= base && power < PREFIXES.length - 1) {
        value /= base;
        power += 1;
    }
    const name = (PREFIXES[power] ?? '') + unit;
    return formatNumber(value, labels) + (name && `\u00a0${name}`);
}

const ENGLISH_ENDINGS: Readonly<Record<string, string>> = {
    one: 'st',
    two: 'nd',
    few: 'rd',
};

/** Write an English ordinal (`3rd`); other languages get the number alone. */
export function formatOrdinal(value: number, labels: Labels): string {
    const { locale } = labels;
    const number = formatNumber(value, labels);
    if (!locale.startsWith('en')) {
        return number;
    }
    const rules = new Intl.PluralRules(locale, { type: 'ordinal' });
    return number + (ENGLISH_ENDINGS[rules.select(value)] ?? 'th');
}

const UNITS = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
] as const;

/** Write an age in whole seconds, minutes, hours or days: `5 minutes ago`. */
export function formatAge(
    seconds: number,
    { locale }: Labels,
    numeric: 'always' | 'auto' = 'always',
): string {
    const format = new Intl.RelativeTimeFormat(locale, { numeric });
    const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? UNITS[3];
    return format.format(-Math.max(0, Math.floor(seconds / size)), unit);
}

/** Write how long ago something was, in whole minutes, hours or days; or `now`. */
export function formatAgo(ms: number, labels: Labels): string {
    return formatAge(ms < 60_000 ? 0 : ms / 1000, labels, 'auto');
}
