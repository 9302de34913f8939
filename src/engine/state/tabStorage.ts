/**
 * Remembers something across a reload of the page, for this tab alone.
 *
 * The browser may have no storage for the page, or no room in it: then a reload
 * forgets it, which is no reason to fail before.
 */
export class Memory<T> {
    readonly #key: string;
    #kept = '';

    constructor(key: string) {
        this.#key = key;
    }

    recall(): T[] {
        try {
            const text = sessionStorage.getItem(this.#key) ?? '[]';
            const items = JSON.parse(text) as T[];
            this.#kept = text;
            return items;
        } catch {
            return [];
        }
    }

    keep(items: T[]): void {
        const text = JSON.stringify(items);
        if (text === this.#kept) {
            return;
        }
        this.#kept = text;
        try {
            if (items.length > 0) {
                sessionStorage.setItem(this.#key, text);
            } else {
                sessionStorage.removeItem(this.#key);
            }
        } catch {
            // As above.
        }
    }
}
