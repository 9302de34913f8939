import type { Id } from './id';
import type { Pattern } from './pattern';
import type { JobError } from './snapshot';

/** What the server hands the browser for a job, or with a result from the cache. */
export type Handle = {
    /** Names the job to the server; opaque here. Null if there is none to ask for. */
    token: string | null;
    /** Names the job on the page, to anyone: the key that its handle came under. */
    run: string;
    /** The task's name for people, as `module.function`. */
    name?: string;
    /** The `LongJob` that shows the job. */
    view?: Id | null;
    /** The result was there already: seconds that it had taken, and its age. */
    cached?: { duration: number; age: number };
    /** There is no job, for it could not be started; here is why. */
    error?: JobError;
    /** The callback, and the MATCH instance of it, that the job runs for. */
    callbackKey: string;
    /** Digests of what the Inputs were, for the server to know them again. */
    inputDigests: string[];
    /** Stamp of the request that started the job; 0 if it bore none. */
    seq: number;
    /** Which page the job has its turns on: one from before a reload goes on. */
    page: string;
    /** What a new job does to the live one of its slot. */
    retrigger: 'replace' | 'queue' | 'parallel' | 'ignore';
    /** The longest wait between two polls, in milliseconds. */
    interval: number;
    /** Seconds without a poll after which the job is cancelled; null for never. */
    leave?: number | null;
    outputs: [id: Id, property: string][];
    running: [id: Pattern, property: string, on: unknown, off: unknown][];
    /** The progress properties, each with its default. */
    progress: [id: Pattern, property: string, rest: unknown][];
    /** The properties whose change cancels the job. */
    cancel: [id: Pattern, property: string][];
};

/** The handles in the property that the server hands them over in. */
export function handlesIn(property: object = {}): Handle[] {
    return Object.entries(property as Record<string, Handle>).map(
        ([run, handle]) => ({ ...handle, run }),
    );
}
