import type { CallbackRequest } from '../wire/callbackRequest';

/** More than Dash has in flight at once, beside the last one of each callback. */
const LIMIT = 24;
/** After this time the page knows whether a request has started a job. */
const EXPIRY_MS = 60_000;

/**
 * The recent callback requests, by their `seq`.
 *
 * The page learns which of them started a job only when the job's handle arrives.
 */
export class SentRequests {
    readonly #sent = new Map<
        number,
        { request: CallbackRequest; at: number }
    >();

    add(seq: number, request: CallbackRequest): void {
        const now = performance.now();
        const last = new Map(
            [...this.#sent].map(([key, sent]) => [sent.request.output, key]),
        );
        for (const [key, sent] of this.#sent) {
            const isOver =
                this.#sent.size >= LIMIT &&
                last.get(sent.request.output) !== key;
            if (isOver || now - sent.at > EXPIRY_MS) {
                this.#sent.delete(key);
            }
        }
        this.#sent.set(seq, { request, at: now });
    }

    /** Return the request with this `seq` and forget it. */
    take(seq: number): CallbackRequest | undefined {
        const sent = this.#sent.get(seq);
        this.#sent.delete(seq);
        return sent?.request;
    }
}
