import type { Handle } from './handle';
import type { Id } from './id';
import type { Snapshot } from './snapshot';

/** A job of the user, on whatever page or device it was started. */
export type UserJob = {
    id: string;
    /** The task's name, as `module.function`. */
    name: string;
    title: string | null;
    /** Name the job to the server, once for each page of the user that waits for it. */
    tokens: [string, ...string[]];
    /** Seconds since it was started. */
    age: number;
    /** The page that gets its result; null if code has started it. */
    destination: {
        location: string;
        view: Id | null;
        outputs: Handle['outputs'];
    } | null;
    snapshot: Snapshot;
};

/** Whether a token only reads its job, as that of a shared link does. */
export function onlyReads(token: string | undefined): boolean {
    return !!token?.split('.')[0]?.endsWith('-view');
}

/** Return the id of the job that a token names. */
export function jobIdOf(token: string | undefined): string | undefined {
    return token?.split('.')[1];
}
