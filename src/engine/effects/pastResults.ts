import type { Page } from '../page/page';
import { outputOf, type Run } from '../state/run';
import type { Handle } from '../wire/handle';
import { propIdOf } from '../wire/id';
import type { Snapshot } from '../wire/snapshot';
import { toUpdates, type PropsById } from '../wire/update';
import type { Updates } from './updates';

/** The run whose result an output has shown last, and the output's value then. */
type Mark = { run: string; value: unknown };

type Delegate = {
    /** Read all about a job; undefined if the server can't reach it now. */
    read(token: string): Promise<Snapshot | undefined>;
    /** The page is about to show the result of a run. */
    shows(run: Run, result?: PropsById): void;
    /** It has shown the result, or can't. */
    settled(run: Run, failure?: Error): void;
};

/** Shows the results of ended jobs again, where the page has lost them. */
export class PastResults {
    readonly #page: Page;
    readonly #updates: Updates;
    readonly #delegate: Delegate;
    readonly #marks = new Map<string, Mark>();
    #wanted: Run | undefined;

    constructor(page: Page, updates: Updates, delegate: Delegate) {
        this.#page = page;
        this.#updates = updates;
        this.#delegate = delegate;
    }

    /** Record that outputs show the result of a run, unless that is recorded. */
    record(run: string, outputs: Handle['outputs']): void {
        for (const [id, property] of outputs) {
            const key = propIdOf(id, property);
            if (this.#page.path(id) && this.#marks.get(key)?.run !== run) {
                const value = held(this.#page.value(id, property));
                this.#marks.set(key, { run, value });
            }
        }
    }

    /** Whether all outputs of a run still are as its result has left them. */
    isShown(run: Run): boolean {
        return run.outputs.every(([id, property]) => {
            const mark = this.#marks.get(propIdOf(id, property));
            return (
                mark?.run === run.id &&
                this.#page.path(id) !== undefined &&
                given(mark.value) === this.#page.value(id, property)
            );
        });
    }

    /** Show the result of a run, in place of any other, when its component is there. */
    want(run: Run): void {
        this.#wanted = run;
    }

    get isWaiting(): boolean {
        return this.#wanted !== undefined;
    }

    /** Show the wanted result if its component is there by now. */
    refresh(): void {
        const run = this.#wanted;
        const id = run && outputOf(run);
        if (id && this.#page.path(id)) {
            this.#wanted = undefined;
            this.#show(run).then(
                () => {
                    this.#delegate.settled(run);
                },
                (reason: unknown) => {
                    this.#delegate.settled(run, reason as Error);
                },
            );
        }
    }

    async #show(run: Run): Promise<void> {
        const { props = [], result } = await this.#fetch(run.token ?? '');
        const outputs = new Set(
            run.outputs.map(([id, property]) => propIdOf(id, property)),
        );
        for (const key of outputs) {
            this.#marks.delete(key);
        }
        this.#delegate.shows(run, result?.response);
        this.#updates.apply(
            // What else the job has set, such as a download, is no result.
            [...props, ...toUpdates(result?.response)].filter(
                ([id, property]) => outputs.has(propIdOf(id, property)),
            ),
        );
        this.record(run.id, run.outputs);
    }

    async #fetch(token: string): Promise<Snapshot> {
        const snapshot = await this.#delegate.read(token);
        if (!snapshot) {
            throw new Error(
                'The server can not reach the result now. Try again.',
            );
        }
        if (snapshot.status !== 'succeeded') {
            throw new Error('The server has the result no longer.');
        }
        await this.#page.load(snapshot.files ?? []);
        return snapshot;
    }
}

/** Hold a value that may be large only for as long as the page does. */
function held(value: unknown): unknown {
    return typeof value === 'object' && value ? new WeakRef(value) : value;
}

function given(value: unknown): unknown {
    return value instanceof WeakRef ? value.deref() : value;
}
