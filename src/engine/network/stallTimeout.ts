import type { Connection } from './connection';

const SILENCE_MS = 30_000;
/** What lay still with the page, and has come back with it, is heard of soon. */
const SILENCE_AFTER_RETURN_MS = 3000;

/**
 * For how long to wait for a request: while there are signs of life.
 *
 * A total would never let a large result through a slow line.
 */
export class Patience {
    readonly #abort = new AbortController();
    readonly signal = this.#abort.signal;
    /** Rejects when it is lost. */
    readonly lost = new Promise<never>((_, reject) => {
        this.signal.addEventListener('abort', reject);
    });
    readonly #unwatch: () => void;
    #timer: ReturnType<typeof setTimeout> | undefined;

    constructor(connection: Connection) {
        this.#unwatch = connection.onReturn(() => {
            this.#wait(SILENCE_AFTER_RETURN_MS);
        });
        this.renew();
    }

    /** There was a sign of life. */
    renew(): void {
        this.#wait(SILENCE_MS);
    }

    end(): void {
        clearTimeout(this.#timer);
        this.#unwatch();
        this.#abort.abort();
    }

    #wait(ms: number): void {
        clearTimeout(this.#timer);
        if (!this.signal.aborted) {
            this.#timer = setTimeout(() => {
                this.end();
            }, ms);
        }
    }
}
