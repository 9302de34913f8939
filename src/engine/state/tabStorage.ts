/**
 * Keeps a list across reloads of the page, for this tab only.
 *
 * The browser may offer no storage, or no room in it. Then a reload loses the list;
 * until then everything works.
 */
export class TabStorage<T> {
    readonly #key: string;
    #saved = '';

    constructor(key: string) {
        this.#key = key;
    }

    load(): T[] {
        try {
            const text = sessionStorage.getItem(this.#key) ?? '[]';
            const items = JSON.parse(text) as T[];
            this.#saved = text;
            return items;
        } catch {
            return [];
        }
    }

    save(items: T[]): void {
        const text = JSON.stringify(items);
        if (text === this.#saved) {
            return;
        }
        this.#saved = text;
        try {
            // First: if there is no room, an old list would be worse than none.
            sessionStorage.removeItem(this.#key);
            if (items.length > 0) {
                sessionStorage.setItem(this.#key, text);
            }
        } catch {
            // No storage, or no room.
        }
    }
}
