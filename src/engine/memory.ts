import type { Handle } from './handle';

/**
 * Remembers handles across a reload of the page, for this tab alone.
 *
 * The browser may have no storage for the page, or no room in it: then a reload
 * forgets them, which is no reason to fail before.
 */
export class Memory {
    /** Tokens of what is kept: a handle never changes. */
    private kept = '';

    constructor(
        private readonly storage: () => Storage,
        private readonly key: string,
    ) {}

    recall(): Handle[] {
        try {
            const text = this.storage().getItem(this.key);
            const handles = text ? (JSON.parse(text) as Handle[]) : [];
            this.kept = tokensOf(handles);
            return handles;
        } catch {
            return [];
        }
    }

    keep(handles: Handle[]): void {
        const tokens = tokensOf(handles);
        if (tokens === this.kept) {
            return;
        }
        this.kept = tokens;
        try {
            if (handles.length > 0) {
                this.storage().setItem(this.key, JSON.stringify(handles));
            } else {
                this.storage().removeItem(this.key);
            }
        } catch {
            // As above.
        }
    }
}

function tokensOf(handles: Handle[]): string {
    return handles.map(({ token }) => token).join();
}
