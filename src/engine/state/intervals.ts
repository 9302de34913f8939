import type { CallbackRequest } from '../wire/callbackRequest';

const REPLACED_TIMES = 10;

/** Finds callbacks whose `dcc.Interval` replaces each job before it has a result. */
export class Intervals {
    /** By callbackKey: the jobs replaced since the last result. */
    readonly #replaced = new Map<string, number>();

    /** Note that a request has replaced a job; return whether to tell of that now. */
    replace(
        callbackKey: string,
        request: CallbackRequest | undefined,
    ): boolean {
        const isInterval = request?.changedPropIds?.some((propId) =>
            propId.endsWith('.n_intervals'),
        );
        if (!isInterval) {
            return false;
        }
        const count = (this.#replaced.get(callbackKey) ?? 0) + 1;
        this.#replaced.set(callbackKey, count);
        return count === REPLACED_TIMES;
    }

    /** Note that a job has a result. */
    succeed(callbackKey: string): void {
        if ((this.#replaced.get(callbackKey) ?? 0) < REPLACED_TIMES) {
            this.#replaced.delete(callbackKey);
        }
    }
}
