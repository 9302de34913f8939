const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** Waits between failed requests: doubling, with jitter so that pages spread. */
export class Backoff {
    private failures = 0;

    reset(): void {
        this.failures = 0;
    }

    /** The next wait in milliseconds, never less than the server asked for. */
    next(atLeast: number): number {
        const wait = Math.min(FIRST_MS * 2 ** this.failures++, LONGEST_MS);
        return Math.max(atLeast, wait * (1 - Math.random() / 2));
    }
}
