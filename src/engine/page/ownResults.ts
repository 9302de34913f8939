import type { CallbackRequest } from '../wire/callbackRequest';
import { propIdOf } from '../wire/id';
import { toUpdates, type PropsById, type Update } from '../wire/update';

/**
 * Results that set an Input of their own callback.
 *
 * Dash calls no callback for what that callback has just returned. It does call it for
 * what is set on the page later, as the result of a job is.
 */
export class OwnResults {
    /** The values that the last result of each callback has set. */
    readonly #results = new Map<unknown, Map<string, unknown>>();

    /** Record a result that the page is about to show. */
    record(request: CallbackRequest | undefined, result?: PropsById): void {
        if (request) {
            this.#results.set(request.output, byPropId(toUpdates(result)));
        }
    }

    /**
     * Whether a request reports only what the last result of its callback has set.
     *
     * Forgets that result: the next request of the callback is a trigger again.
     */
    take({
        output,
        changedPropIds = [],
        inputs = [],
    }: CallbackRequest): boolean {
        const result = this.#results.get(output);
        this.#results.delete(output);
        if (!result || changedPropIds.length === 0) {
            return false;
        }
        const values = byPropId(
            inputs
                .flat()
                .map(({ id, property, value }) => [id, property, value]),
        );
        return changedPropIds.every(
            (propId) =>
                result.has(propId) &&
                JSON.stringify(result.get(propId)) ===
                    JSON.stringify(values.get(propId)),
        );
    }
}

function byPropId(updates: Update[]): Map<string, unknown> {
    return new Map(
        updates.map(([id, property, value]) => [propIdOf(id, property), value]),
    );
}
