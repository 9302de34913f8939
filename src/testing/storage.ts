import { vi } from 'vitest';

/** The browser's storage in memory, which can be full. */
export class FakeStorage implements Storage {
    full = false;
    readonly #items = new Map<string, string>();

    constructor() {
        vi.stubGlobal('sessionStorage', this);
    }

    get length(): number {
        return this.#items.size;
    }

    getItem(key: string): string | null {
        return this.#items.get(key) ?? null;
    }

    setItem(key: string, value: string): void {
        if (this.full) {
            throw new DOMException('full', 'QuotaExceededError');
        }
        this.#items.set(key, value);
    }

    removeItem(key: string): void {
        this.#items.delete(key);
    }

    clear(): void {
        this.#items.clear();
    }

    key(index: number): string | null {
        return [...this.#items.keys()][index] ?? null;
    }
}
