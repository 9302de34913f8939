import type { Handle } from './handle';

/** A live job as the page knows it. */
export class Job {
    /** The last change of the job that the page has seen. */
    cursor = 0;
    /** It has ended on the server, and its result is about to be shown. */
    ended = false;

    constructor(
        readonly handle: Handle,
        /** The page was loaded anew while it ran. */
        readonly resumed = false,
    ) {}

    get token(): string {
        return this.handle.token;
    }
}
