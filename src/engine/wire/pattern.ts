import { parseId, type Id } from './id';

/**
 * An id whose values may be wildcards: `["ALL"]` matches any value, and
 * `["ALLSMALLER", bound]` matches any smaller one.
 */
export type Pattern = Id;

export function isPattern(id: Pattern): boolean {
    return typeof id !== 'string' && Object.values(id).some(Array.isArray);
}

/** Whether an id equals the pattern or matches it. */
export function fits(pattern: Pattern, id: Id): boolean {
    if (typeof pattern === 'string' || typeof id === 'string') {
        return pattern === id;
    }
    const keys = Object.keys(pattern);
    return (
        keys.length === Object.keys(id).length &&
        keys.every(
            (key) => Object.hasOwn(id, key) && fitsValue(pattern[key], id[key]),
        )
    );
}

/** Whether a prop id (`button.n_clicks`) names this property of a matching component. */
export function fitsProp(
    [pattern, property]: [pattern: Pattern, property: string],
    propId: string,
): boolean {
    const dot = propId.lastIndexOf('.');
    return (
        propId.slice(dot + 1) === property &&
        fits(pattern, parseId(propId.slice(0, dot)))
    );
}

function fitsValue(pattern: unknown, value: unknown): boolean {
    if (!Array.isArray(pattern)) {
        return pattern === value;
    }
    const [wildcard, bound] = pattern as [string, number];
    return wildcard === 'ALL' || (value as number) < bound;
}
