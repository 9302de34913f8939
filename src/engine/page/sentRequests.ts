import type { Payload } from './dashState';

/** More than Dash has in flight at once. */
const LIMIT = 24;
/** By then the page knows whether a request has started a job. */
const KEPT_MS = 60_000;

/**
 * The callback requests that were sent lately, by their stamps.
 *
 * Which of them have started a job shows only when its handle arrives.
 */
export class Requests {
    readonly #sent = new Map<number, { request: Payload; at: number }>();

    add(seq: number, request: Payload): void {
        const now = performance.now();
        for (const [key, { at }] of this.#sent) {
            if (now - at > KEPT_MS || this.#sent.size >= LIMIT) {
                this.#sent.delete(key);
            }
        }
        this.#sent.set(seq, { request, at: now });
    }

    /** The request that bore this stamp, given out once. */
    take(seq: number): Payload | undefined {
        const sent = this.#sent.get(seq);
        this.#sent.delete(seq);
        return sent?.request;
    }
}
