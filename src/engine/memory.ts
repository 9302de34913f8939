/**
 * Remembers something across a reload of the page, for this tab alone.
 *
 * The browser may have no storage for the page, or no room in it: then a reload
 * forgets it, which is no reason to fail before.
 */
export class Memory<T> {
    readonly #storage: () => Storage;
    readonly #key: string;
    readonly #identify: (items: T[]) => string;
    #kept = '';

    constructor(
        storage: () => Storage,
        key: string,
        /** Differs for what is to be kept anew. */
        identify: (items: T[]) => string = JSON.stringify,
    ) {
        this.#storage = storage;
        this.#key = key;
        this.#identify = identify;
    }

    recall(): T[] {
        try {
            const text = this.#storage().getItem(this.#key);
            const items = text ? (JSON.parse(text) as T[]) : [];
            this.#kept = this.#identify(items);
            return items;
        } catch {
            return [];
        }
    }

    keep(items: T[]): void {
        const identity = this.#identify(items);
        if (identity === this.#kept) {
            return;
        }
        this.#kept = identity;
        try {
            if (items.length > 0) {
                this.#storage().setItem(this.#key, JSON.stringify(items));
            } else {
                this.#storage().removeItem(this.#key);
            }
        } catch {
            // As above.
        }
    }
}
