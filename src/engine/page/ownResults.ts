import { propIdOf } from '../wire/id';
import type { Payload } from './dashState';
import { toUpdates, type PropsById, type Update } from '../wire/update';

/**
 * Results that set what their own callback is called by.
 *
 * Dash calls no callback for what it has itself returned. It does so for what is set on
 * the page later on, as the result of a job is.
 */
export class Echoes {
    /** By callback, what its last result has set. */
    readonly #results = new Map<unknown, Map<string, unknown>>();

    /** Takes note of a result that is about to be shown. */
    expect(request: Payload | undefined, result?: PropsById): void {
        if (request) {
            this.#results.set(request.output, byPropId(toUpdates(result)));
        }
    }

    /** Whether a request says nothing but what a result of its callback has set. */
    hear({ output, changedPropIds = [], inputs = [] }: Payload): boolean {
        const result = this.#results.get(output);
        // Whatever comes after it is none.
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
