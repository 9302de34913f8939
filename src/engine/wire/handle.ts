import type { Id } from './id';
import type { Pattern } from './pattern';
import type { JobError, Snapshot } from './snapshot';

/** A handle: the server sends it for a job, a cached result or a failed start. */
export type Handle = {
    /**
     * Names the job to the server. Null if there is no job to poll. `userJob.ts` reads
     * the job's id in it, and whether it only reads.
     */
    token: string | null;
    /** Names the run on the page. It is the key under which the handle arrived. */
    run: string;
    /** The task's name for people, as `module.function`. */
    name?: string;
    /** The job's name for people, unless its task's will do. */
    title?: string | null;
    /** The `LongJob` that shows the run. */
    view?: Id | null;
    /** Names of its steps, as far as they are known. */
    steps?: string[];
    /** Ids of the buttons among the Inputs; the page adds them. */
    buttons?: string[];
    /** The result came from the cache: how long it took once, and its age; in s. */
    cached?: { duration: number; age: number };
    /** Dash shows an old result, which the job refreshes; its age in s. */
    stale?: { age: number };
    /** The job was so short that the server sends its end together with the handle. */
    end?: Snapshot;
    /** Another page has started the job, and this one only shows it. */
    shownOnly?: boolean;
    /** The page that has saved it may still be there, in another tab. Set by the page. */
    copied?: boolean;
    /** Before its page was loaded again, it showed an old result. Set by the page. */
    refreshes?: boolean;
    /** The job could not be started, for this reason. */
    error?: JobError;
    /** The callback and its MATCH instance for which the job runs. */
    callbackKey: string;
    /** Digests of the Inputs' values, by which the server recognises them. */
    inputDigests: string[];
    /** `seq` of the request that started the job; 0 if the request had none. */
    seq: number;
    /** The id of the page whose lane the job is in. A reload keeps the old id. */
    page: string;
    /** The effect of a new job on the live job of the same callback. */
    retrigger: 'replace' | 'queue' | 'parallel' | 'ignore';
    /** The longest wait between two polls, in milliseconds. */
    interval: number;
    /** The server cancels the job after so many seconds without a poll; null: never. */
    leave?: number | null;
    outputs: [id: Id, property: string][];
    running: [id: Pattern, property: string, on: unknown, off: unknown][];
    /** The progress properties, each with its default. */
    progress: [id: Pattern, property: string, rest: unknown][];
    /** The properties whose change cancels the job. */
    cancel: [id: Pattern, property: string][];
};

/** Return the handles in the property through which the server delivers them. */
export function handlesIn(property: object = {}): Handle[] {
    return Object.entries(property as Record<string, Handle>).map(
        ([run, handle]) => ({ ...handle, run }),
    );
}
