import type { Handle } from '../wire/handle';
import { propIdOf } from '../wire/id';
import type { Update } from '../wire/update';

/** Polls within the time after which the server takes the page for closed. */
const POLLS_PER_LEAVE = 3;

/** The handle of a job that the page can poll for. */
export type JobHandle = Handle & { token: string };

export function isOfJob(handle: Handle): handle is JobHandle {
    return handle.token !== null;
}

/** The value that a job gives to a property, and the one to leave behind. */
export type Override = { value: unknown; rest: unknown };

/** A job that the page follows. */
export class Job {
    /** The last change of the job that the page has seen. */
    cursor = 0;
    /** The job has ended on the server; the page may not show its result yet. */
    ended = false;
    /** By property and kind, also while the page follows it no longer: it may go on. */
    readonly overrides = new Map<string, Override>();
    /** The properties that the job has set while it runs. */
    readonly #streamed = new Set<string>();
    /** What it has set of outputs that show an old result until it succeeds. */
    readonly postponed: Update[] = [];

    constructor(readonly handle: JobHandle) {}

    /** Postpone updates that would change an old result; return the others. */
    postpone(updates: Update[]): Update[] {
        const { stale, outputs } = this.handle;
        const shown = new Set(
            stale && outputs.map(([id, property]) => propIdOf(id, property)),
        );
        const isPostponed = ([id, property]: Update) =>
            shown.has(propIdOf(id, property));
        this.postponed.push(...updates.filter(isPostponed));
        return updates.filter((update) => !isPostponed(update));
    }

    /** Whether updates set all outputs. */
    isSetBy(updates: Update[]): boolean {
        const set = new Set(
            updates.map(([id, property]) => propIdOf(id, property)),
        );
        return this.handle.outputs.every(([id, property]) =>
            set.has(propIdOf(id, property)),
        );
    }

    /** Record what the job has set while it runs. */
    addStreamed(updates: Update[]): void {
        for (const [id, property] of updates) {
            this.#streamed.add(propIdOf(id, property));
        }
    }

    /** The outputs that show nothing yet: the job has not set them. */
    get awaitedOutputs(): Handle['outputs'] {
        const { stale, outputs } = this.handle;
        return outputs.filter(
            ([id, property]) =>
                !stale && !this.#streamed.has(propIdOf(id, property)),
        );
    }

    /** Whether the page no longer shows the job once it has another handle. */
    isReplacedBy({ retrigger, callbackKey, outputs }: Handle): boolean {
        return this.handle.shownOnly
            ? outputs.some((output) => this.#hasOutput(output))
            : retrigger === 'replace' &&
                  callbackKey === this.handle.callbackKey;
    }

    #hasOutput([id, property]: Handle['outputs'][number]): boolean {
        const propId = propIdOf(id, property);
        return this.handle.outputs.some((own) => propIdOf(...own) === propId);
    }

    /** The longest wait between two polls, in milliseconds. */
    get interval(): number {
        return Math.min(this.handle.interval, this.heartbeat);
    }

    /** The longest wait between two polls that keeps the job alive, in milliseconds. */
    get heartbeat(): number {
        const { leave } = this.handle;
        return ((leave ?? Infinity) * 1000) / POLLS_PER_LEAVE;
    }
}
