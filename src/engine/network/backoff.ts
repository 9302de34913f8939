import { ForeignAnswer, Unavailable } from './client';
import type { Connection } from './connection';

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** A limit on what the server asks for: a user waits, and it may be back sooner. */
const LONGEST_ASKED_FOR_MS = 10 * 60_000;
/** For how long something else may answer in the endpoint's place: a deployment. */
const FOREIGN_MS = 2 * 60_000;

/** Waits between failed requests. They double, with jitter so that pages spread out. */
export class Backoff {
    readonly #connection: Connection | undefined;
    #failures = 0;
    #foreignSince: number | undefined;

    /** With a connection, each outcome tells about it. */
    constructor(connection?: Connection) {
        this.#connection = connection;
    }

    succeeded(): void {
        this.#failures = 0;
        this.#foreignSince = undefined;
        this.#connection?.succeeded();
    }

    /**
     * Return how long to wait after an error, in milliseconds and never less than
     * the server asked for. Undefined if the error is final.
     */
    after(error: unknown): number | undefined {
        if (error instanceof Unavailable) {
            this.#foreignSince = undefined;
            return this.#next(error.retryAfter);
        }
        const now = performance.now();
        if (error instanceof ForeignAnswer) {
            this.#foreignSince ??= now;
            if (now - this.#foreignSince < FOREIGN_MS) {
                return this.#next(0);
            }
        }
        // The page got an answer, so its connection works.
        this.succeeded();
        return undefined;
    }

    #next(atLeast: number): number {
        this.#connection?.failed();
        const wait = Math.min(FIRST_MS * 2 ** this.#failures++, LONGEST_MS);
        const least = Math.min(atLeast, LONGEST_ASKED_FOR_MS);
        const random = Math.random();
        return Math.max(least * (1 + random / 4), wait * (1 - random / 2));
    }
}
