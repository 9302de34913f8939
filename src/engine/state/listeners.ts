/** Functions to call after every change. */
export class Listeners {
    readonly #listeners = new Set<() => void>();

    /** Call back after every change. Returns a function that stops that. */
    readonly watch = (listener: () => void): (() => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    };

    tell(): void {
        // A listener may stop another one, or add one.
        for (const listener of [...this.#listeners]) {
            listener();
        }
    }
}
