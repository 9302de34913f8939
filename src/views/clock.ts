const TICK_MS = 1000;

/** Ticks while somebody listens: one timer for all views of a page. */
export class Clock {
    now = 0;
    readonly #listeners = new Set<() => void>();
    #timer: ReturnType<typeof setInterval> | undefined;

    /** Returns the function that ends it. */
    watch(listener: () => void): () => void {
        if (this.#listeners.size === 0) {
            this.now = performance.now();
            this.#timer = setInterval(() => {
                this.now = performance.now();
                for (const each of [...this.#listeners]) {
                    each();
                }
            }, TICK_MS);
        }
        this.#listeners.add(listener);
        return () => {
            this.#listeners.delete(listener);
            if (this.#listeners.size === 0) {
                clearInterval(this.#timer);
            }
        };
    }
}
