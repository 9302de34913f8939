/** Those who want to hear of changes. */
export class Listeners {
    readonly #listeners = new Set<() => void>();

    /** Calls back after every change. Returns the function that ends it. */
    readonly watch = (listener: () => void): (() => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    };

    tell(): void {
        // One may end another, or begin to listen.
        for (const listener of [...this.#listeners]) {
            listener();
        }
    }
}
