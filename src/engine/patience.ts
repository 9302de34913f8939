const SILENCE_MS = 30_000;
/** What lay still with the page, and has come back with it, is heard of soon. */
const SILENCE_AFTER_RETURN_MS = 3000;

/**
 * For how long to wait for a request: while there are signs of life.
 *
 * A total would never let a large result through a slow line.
 */
export class Patience {
    #timer: ReturnType<typeof setTimeout> | undefined;
    #hasEnded = false;
    #lose!: (reason: Error) => void;
    /** Rejects when it is lost. */
    readonly lost: Promise<never>;

    constructor() {
        this.lost = new Promise((_, reject) => {
            this.#lose = reject;
        });
        this.renew();
    }

    /** There was a sign of life. */
    renew(): void {
        this.#wait(SILENCE_MS);
    }

    /** The page was away, and the request's connection may be dead since. */
    shorten(): void {
        this.#wait(SILENCE_AFTER_RETURN_MS);
    }

    end(): void {
        this.#hasEnded = true;
        clearTimeout(this.#timer);
    }

    #wait(ms: number): void {
        clearTimeout(this.#timer);
        if (this.#hasEnded) {
            return;
        }
        this.#timer = setTimeout(() => {
            this.#lose(new Error('no sign of life'));
        }, ms);
    }
}
