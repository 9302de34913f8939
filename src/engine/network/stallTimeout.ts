import type { Connection } from './connection';

const SILENCE_MS = 30_000;
/** A request that was frozen with the page must show life soon after it returns. */
const SILENCE_AFTER_RETURN_MS = 3000;

/**
 * Gives up on a request that has stalled: one without data for some time.
 *
 * A limit on the whole request would never let a large result through a slow line.
 */
export class StallTimeout {
    readonly #abort = new AbortController();
    readonly signal = this.#abort.signal;
    /** Rejects when the request has stalled. */
    readonly expired = new Promise<never>((_, reject) => {
        this.signal.addEventListener('abort', reject);
    });
    readonly #unwatch: () => void;
    #timer: ReturnType<typeof setTimeout> | undefined;

    constructor(connection: Connection) {
        this.#unwatch = connection.onReturn(() => {
            this.#wait(SILENCE_AFTER_RETURN_MS);
        });
        this.restart();
    }

    /** Data has arrived: wait again from now. */
    restart(): void {
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
