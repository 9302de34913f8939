/**
 * Return the value under a key that a user has chosen, such as an id.
 *
 * Plain indexing finds what every object inherits: `toString`, `__proto__`.
 */
export function own<T>(
    record: Readonly<Record<string, T>>,
    key: string,
): T | undefined {
    return Object.hasOwn(record, key) ? record[key] : undefined;
}
