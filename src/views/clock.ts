import { Listeners } from '../engine/listeners';

const TICK_MS = 1000;

/** Ticks while somebody listens: one timer for all views of a page. */
export class Clock {
    now = 0;
    readonly #listeners = new Listeners();
    #timer: ReturnType<typeof setInterval> | undefined;

    /** Returns the function that ends it. */
    watch(listener: () => void): () => void {
        if (this.#listeners.isEmpty) {
            this.now = performance.now();
            this.#timer = setInterval(() => {
                this.now = performance.now();
                this.#listeners.tell();
            }, TICK_MS);
        }
        const leave = this.#listeners.watch(listener);
        return () => {
            leave();
            if (this.#listeners.isEmpty) {
                clearInterval(this.#timer);
            }
        };
    }
}
