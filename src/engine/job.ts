import type { Handle } from './handle';

/** Polls in the time after which a job is taken for one that nobody waits for. */
const POLLS_PER_LEAVE = 3;

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

    replaces({ handle: { slot } }: Job): boolean {
        const { handle } = this;
        return handle.retrigger === 'replace' && handle.slot === slot;
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
