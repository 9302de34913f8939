import { Misplaced, Unavailable } from './client';
import type { Connection } from './connection';

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** However long the server asks for: somebody waits, and it may be back sooner. */
const LONGEST_ASKED_FOR_MS = 10 * 60_000;
/** For how long another may answer in the endpoint's place: a deployment's time. */
const MISPLACED_MS = 2 * 60_000;

/** Waits between failed requests: doubling, with jitter so that pages spread. */
export class Backoff {
    readonly #connection: Connection;
    #failures = 0;
    #misplacedSince: number | undefined;

    constructor(connection: Connection) {
        this.#connection = connection;
    }

    succeeded(): void {
        this.#failures = 0;
        this.#misplacedSince = undefined;
        this.#connection.succeeded();
    }

    /**
     * Returns how long to wait after an error, in milliseconds and never less than
     * the server asked for; undefined if the error is final.
     */
    after(error: unknown): number | undefined {
        if (error instanceof Unavailable) {
            this.#misplacedSince = undefined;
            return this.#next(error.retryAfter);
        }
        const now = performance.now();
        if (error instanceof Misplaced) {
            this.#misplacedSince ??= now;
            if (now - this.#misplacedSince < MISPLACED_MS) {
                return this.#next(0);
            }
        }
        // Whoever has answered, the page got through to it.
        this.succeeded();
        return undefined;
    }

    #next(atLeast: number): number {
        this.#connection.failed();
        const wait = Math.min(FIRST_MS * 2 ** this.#failures++, LONGEST_MS);
        const least = Math.min(atLeast, LONGEST_ASKED_FOR_MS);
        const random = Math.random();
        return Math.max(least * (1 + random / 4), wait * (1 - random / 2));
    }
}
