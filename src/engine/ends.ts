import type { Display } from './display';
import { RESTORED_MS, type Page } from './page/page';
import type { Job } from './state/job';
import type { Jobs } from './state/jobs';
import type { Runs } from './state/runs';
import type { Library } from './wire/library';
import type { JobError, Snapshot, Status } from './wire/snapshot';

type Ending = Omit<Snapshot, 'cursor'>;

type Delegate = {
    /** The page is about to show the result of a job. */
    ends(job: Job, ending: Ending): void;
    /** The page has changed on its own. */
    settle(): void;
};

/** Ends jobs on the page, once it has what their results need. */
export class Ends {
    readonly #page: Page;
    readonly #jobs: Jobs;
    readonly #runs: Runs;
    readonly #display: Display;
    readonly #delegate: Delegate;

    constructor(
        page: Page,
        jobs: Jobs,
        runs: Runs,
        display: Display,
        delegate: Delegate,
    ) {
        this.#page = page;
        this.#jobs = jobs;
        this.#runs = runs;
        this.#display = display;
        this.#delegate = delegate;
    }

    /** End a job, at once if it can. */
    finish(job: Job, ending: Ending): void {
        job.ended = true;
        if (ending.files) {
            void this.#loadAndEnd(ending.files, job, ending);
        } else {
            this.#end(job, ending);
        }
    }

    /** Tell users and developers how a run has ended. */
    conclude(run: string, status: Status, error?: JobError): void {
        this.#runs.end(run, status, error);
        if (error) {
            const { task, type, message, traceback } = error;
            const text = `Long callback ${task ?? ''} ${status}: ${type}: ${message}`;
            this.#page.report(text.replace(/\s+/g, ' '), traceback);
        }
    }

    async #loadAndEnd(
        files: Library[],
        job: Job,
        ending: Ending,
    ): Promise<void> {
        try {
            await this.#page.load(files);
        } catch (reason) {
            const error = { type: 'LibraryError', message: String(reason) };
            ending = { status: 'failed', error };
        }
        // It may have been cancelled or replaced meanwhile.
        if (this.#jobs.has(job)) {
            this.#end(job, ending);
            this.#delegate.settle();
        }
    }

    #end(job: Job, ending: Ending): void {
        this.#delegate.ends(job, ending);
        if (this.#display.end(job, ending)) {
            this.#runs.refresh(job.handle.run);
        }
        if (this.#page.isRestored) {
            this.#keepForReload(job);
        }
        this.conclude(job.handle.run, ending.status, ending.error);
    }

    /** Let the job end again on the page that the browser may load in place of this. */
    #keepForReload(job: Job): void {
        this.#jobs.keepForNextPage(job);
        setTimeout(() => {
            this.#jobs.forget(job);
            this.#delegate.settle();
        }, RESTORED_MS);
    }
}
