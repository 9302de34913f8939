import type { Payload } from './store';

/** More than Dash has in flight at once, for the handle comes after the answer. */
const LIMIT = 32;
/** By then the page has rendered what the answer brought. */
const GRACE_MS = 5000;

type Sent = { request: Payload; answered?: number };

/**
 * The callback requests that were sent lately, by their stamps.
 *
 * Which of them have started a job shows only when its handle arrives.
 */
export class Requests {
    private readonly sent = new Map<number, Sent>();

    add(seq: number, request: Payload): void {
        const now = performance.now();
        for (const [key, { answered = now }] of this.sent) {
            if (now - answered > GRACE_MS || this.sent.size >= LIMIT) {
                this.sent.delete(key);
            }
        }
        this.sent.set(seq, { request });
    }

    answered(seq: number): void {
        const sent = this.sent.get(seq);
        if (sent) {
            sent.answered = performance.now();
        }
    }

    /** The request that bore this stamp, given out once. */
    take(seq: number): Payload | undefined {
        const sent = this.sent.get(seq);
        this.sent.delete(seq);
        return sent?.request;
    }
}
