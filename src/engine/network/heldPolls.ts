import type { Job } from '../state/job';
import type { Hold } from './client';
import type { Connection } from './connection';
import { HoldSlot } from './holdSlot';

/** The longest time for which the server holds a poll. */
const LONGEST_MS = 25_000;
/** The shortest time that a page asks for, after something has cut longer polls. */
const SHORTEST_MS = 5000;
/** The time without held polls after one was cut. */
const PAUSE_MS = 30_000;

declare global {
    // Only an interface can extend the existing one.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_long_components_held?: typeof HeldPolls;
    }
}

/**
 * Decides which polls the server is asked to hold until there is news.
 *
 * Only those of a visible page: others can wait, and a held poll takes one of the
 * browser's connections to the server. The page loads this when the server has offered
 * to hold a poll: those of Flask can't.
 */
export class HeldPolls {
    readonly #connection: Connection;
    readonly #slot = new HoldSlot();
    #offered = true;
    #longest = LONGEST_MS;
    #pausedUntil = 0;
    #current: AbortController | undefined;

    constructor(connection: Connection) {
        this.#connection = connection;
        connection.onHide(() => {
            this.stop();
        });
        // What the page shows of a queue may be old, and the server can't tell.
        connection.onReturn(() => {
            this.#offered = false;
        });
    }

    /** The server can hold the next poll, or can't. */
    offer(canHold: boolean): void {
        this.#offered = canHold;
    }

    /** Whether to ask the server to hold the next poll. */
    get isReady(): boolean {
        return (
            this.#offered &&
            !this.#connection.isHidden &&
            this.#connection.state === 'online' &&
            performance.now() >= this.#pausedUntil &&
            this.#slot.take()
        );
    }

    /** Return how to hold a poll for these jobs; undefined not to. */
    next(jobs: Job[]): Hold | undefined {
        if (!this.isReady) {
            return undefined;
        }
        // The server takes a page that has not polled for long for closed.
        const ms = Math.min(
            this.#longest,
            ...jobs.map((job) => Math.floor(job.heartbeat)),
        );
        this.#current = new AbortController();
        return { ms, signal: this.#current.signal };
    }

    /**
     * A held poll got no usable answer. That says nothing of the server: a proxy may
     * have cut it. The next poll, which is not held, tells.
     */
    failed({ signal }: Hold): void {
        if (!signal.aborted) {
            this.#longest = Math.max(SHORTEST_MS, this.#longest / 2);
            this.#pausedUntil = performance.now() + PAUSE_MS;
        }
    }

    /** The held poll, if any, has settled. */
    settled(): void {
        this.#current = undefined;
    }

    /** Whether the server holds a poll now. */
    get isHolding(): boolean {
        return this.#current !== undefined;
    }

    /** Give up the held poll, to ask for something else. */
    abort(): void {
        this.#current?.abort();
        this.#current = undefined;
    }

    /** Give up the held poll, and leave the connection to other tabs. */
    stop(): void {
        this.abort();
        this.#slot.leave();
    }
}
