import type { Handle } from './wire/handle';
import { propIdOf } from './wire/id';
import type { Update } from './wire/update';

/** Polls in the time after which a job is taken for one that nobody waits for. */
const POLLS_PER_LEAVE = 3;

/** The handle of a job that the server can be asked for. */
export type JobHandle = Handle & { token: string };

export function isOfJob(handle: Handle): handle is JobHandle {
    return handle.token !== null;
}

/** A live job as the page knows it. */
export class Job {
    /** The last change of the job that the page has seen. */
    cursor = 0;
    /** It has ended on the server, and its result is about to be shown. */
    ended = false;
    /** The properties that it has set while it runs. */
    readonly #streamed = new Set<string>();

    constructor(readonly handle: JobHandle) {}

    /** Takes note of what it has set. */
    stream(updates: Update[]): void {
        for (const [id, property] of updates) {
            this.#streamed.add(propIdOf(id, property));
        }
    }

    /** The outputs of which there is nothing to see yet. */
    get awaited(): Handle['outputs'] {
        return this.handle.outputs.filter(
            ([id, property]) => !this.#streamed.has(propIdOf(id, property)),
        );
    }

    isReplacedBy({ retrigger, callbackKey }: Handle): boolean {
        return (
            retrigger === 'replace' && callbackKey === this.handle.callbackKey
        );
    }

    /** The longest wait between two polls, in milliseconds. */
    get interval(): number {
        return Math.min(this.handle.interval, this.heartbeat);
    }

    /** The wait between two polls that keeps it alive, in milliseconds. */
    get heartbeat(): number {
        const { leave } = this.handle;
        return ((leave ?? Infinity) * 1000) / POLLS_PER_LEAVE;
    }
}
