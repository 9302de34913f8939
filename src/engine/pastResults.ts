import type { Parts } from './parts';
import { outputOf, type Run } from './state/run';
import type { Handle } from './wire/handle';
import { propIdOf, type Id } from './wire/id';
import type { Snapshot } from './wire/snapshot';
import { toUpdates } from './wire/update';

/** Goes to a page of the app and, once it is there, to a component on it. */
type Visit = (location: string, id: Id | null) => void;

/** The run whose result an output has shown last, and the output's value then. */
type Mark = { run: string; value: unknown };

/**
 * Leads to the results of ended jobs, and shows them again where the page has lost
 * them. Only the tray needs it, and brings it.
 */
export class PastResults {
    readonly #parts: Parts;
    readonly #visit: Visit;
    readonly #marks = new Map<string, Mark>();
    #wanted: Run | undefined;

    constructor(parts: Parts, visit: Visit) {
        this.#parts = parts;
        this.#visit = visit;
    }

    /** Record that outputs show the result of a run, unless that is recorded. */
    record({ run, outputs }: Pick<Handle, 'run' | 'outputs'>): void {
        const { page } = this.#parts;
        for (const [id, property] of outputs) {
            const key = propIdOf(id, property);
            if (page.path(id) && this.#marks.get(key)?.run !== run) {
                const value = weak(page.value(id, property));
                this.#marks.set(key, { run, value });
            }
        }
    }

    /**
     * Go to the component that shows the result of a run, and show it there again if
     * the page has lost it.
     */
    visit(run: Run): void {
        const output = outputOf(run);
        this.#visit(run.location, output);
        if (
            run.status !== 'succeeded' ||
            !output ||
            this.#parts.updates.waitFor(output) ||
            this.#isShown(run)
        ) {
            return;
        }
        if (run.token) {
            this.#wanted = run;
            this.#parts.settle();
        } else {
            // The cache answers again.
            this.#parts.retry(run.id);
        }
    }

    /** Whether a result waits for its component. */
    get isWaiting(): boolean {
        return this.#wanted !== undefined;
    }

    /** Show the wanted result if its component is there by now. */
    refresh(): void {
        const run = this.#wanted;
        const id = run && outputOf(run);
        if (id && this.#parts.page.path(id)) {
            this.#wanted = undefined;
            void this.#show(run);
        }
    }

    /** Whether all outputs of a run still are as its result has left them. */
    #isShown(run: Run): boolean {
        const { page } = this.#parts;
        return run.outputs.every(([id, property]) => {
            const mark = this.#marks.get(propIdOf(id, property));
            return (
                mark?.run === run.id &&
                page.path(id) !== undefined &&
                strong(mark.value) === page.value(id, property)
            );
        });
    }

    async #show(run: Run): Promise<void> {
        const { runs, settle } = this.#parts;
        try {
            this.#apply(run, await this.#fetch(run.token ?? ''));
            runs.setFault(run.id);
        } catch (reason) {
            runs.setFault(run.id, (reason as Error).message);
        }
        settle();
    }

    #apply(run: Run, { props = [], result }: Snapshot): void {
        const { ownResults, updates } = this.#parts;
        const outputs = new Set(
            run.outputs.map(([id, property]) => propIdOf(id, property)),
        );
        for (const key of outputs) {
            this.#marks.delete(key);
        }
        ownResults.record(run.request, result?.response);
        updates.apply(
            // Skip what else the job has set, such as a download.
            [...props, ...toUpdates(result?.response)].filter(
                ([id, property]) => outputs.has(propIdOf(id, property)),
            ),
        );
        this.record({ run: run.id, outputs: run.outputs });
    }

    async #fetch(token: string): Promise<Snapshot> {
        const { client, page } = this.#parts;
        const { jobs } = await client.poll([[token, 0]]);
        const snapshot = jobs?.[0];
        if (!snapshot) {
            throw new Error(
                'The server cannot reach the result now. Try again.',
            );
        }
        if (snapshot.status !== 'succeeded') {
            throw new Error('The server no longer has the result.');
        }
        await page.load(snapshot.files ?? []);
        return snapshot;
    }
}

/** Hold a value that may be large only for as long as the page does. */
function weak(value: unknown): unknown {
    return typeof value === 'object' && value ? new WeakRef(value) : value;
}

function strong(value: unknown): unknown {
    return value instanceof WeakRef ? value.deref() : value;
}
