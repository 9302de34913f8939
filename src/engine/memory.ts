/**
 * Remembers something across a reload of the page, for this tab alone.
 *
 * The browser may have no storage for the page, or no room in it: then a reload
 * forgets it, which is no reason to fail before.
 */
export class Memory<T> {
    readonly #storage: () => Storage;
    readonly #key: string;
    #kept = '';

    constructor(storage: () => Storage, key: string) {
        this.#storage = storage;
        this.#key = key;
    }

    recall(): T[] {
        try {
            const text = this.#storage().getItem(this.#key) ?? '[]';
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
                this.#storage().setItem(this.#key, text);
            } else {
                this.#storage().removeItem(this.#key);
            }
        } catch {
            // As above.
        }
    }
}
