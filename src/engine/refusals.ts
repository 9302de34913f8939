import { Refused, type Client } from './network/client';
import type { Job, JobHandle } from './state/job';
import type { Jobs } from './state/jobs';
import type { JobError } from './wire/snapshot';

const WHAT_TO_DO =
    '. The job goes on. Log in, in another tab for instance; then retry, or load ' +
    'this page again.';

/**
 * The jobs that something in front of the endpoint refuses: a login may be due. They go
 * on, and the page follows them again as soon as a poll gets through.
 */
export class Refusals {
    readonly #client: Client;
    readonly #jobs: Jobs;
    readonly #follow: (handles: JobHandle[]) => void;

    constructor(
        client: Client,
        jobs: Jobs,
        follow: (handles: JobHandle[]) => void,
    ) {
        this.#client = client;
        this.#jobs = jobs;
        this.#follow = follow;
        // The user may have logged in, in another tab.
        client.connection.onReturn(() => void this.#ask());
    }

    has(run: string): boolean {
        return this.#jobs.refused.some((handle) => handle.run === run);
    }

    /** Keep the jobs of a refused poll that go on; return the error of all. */
    add(jobs: Job[], reason: Error): JobError {
        const error = { type: 'Refused', message: reason.message };
        if (reason instanceof Refused && reason.isForeign) {
            error.message += WHAT_TO_DO;
            for (const job of jobs.filter((each) => this.#jobs.has(each))) {
                this.#jobs.keepRefused(job);
            }
        }
        return error;
    }

    /** Follow the jobs again. */
    end(): void {
        const handles = this.#jobs.takeRefused();
        if (handles.length > 0) {
            this.#follow(handles);
        }
    }

    async #ask(): Promise<void> {
        const { refused } = this.#jobs;
        if (refused.length > 0 && (await this.#client.accepts(refused))) {
            this.end();
        }
    }
}
