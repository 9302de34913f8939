import type { Display } from './display';
import { Backoff } from './network/backoff';
import { ForeignAnswer, Refused } from './network/client';
import type { Connection } from './network/connection';
import { RESTORED_MS, type Page } from './page/page';
import type { Job } from './state/job';
import type { Jobs } from './state/jobs';
import type { Runs } from './state/runs';
import type { Library } from './wire/library';
import type { JobError, Snapshot, Status } from './wire/snapshot';

const WHAT_TO_DO =
    '. The job goes on. Log in, in another tab for instance; then retry, or load ' +
    'this page again.';

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
    readonly #connection: Connection;
    readonly #delegate: Delegate;

    constructor(
        page: Page,
        jobs: Jobs,
        runs: Runs,
        display: Display,
        connection: Connection,
        delegate: Delegate,
    ) {
        this.#page = page;
        this.#jobs = jobs;
        this.#runs = runs;
        this.#display = display;
        this.#connection = connection;
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

    /** Give up a job whose poll was refused. It may go on if a guard has refused it. */
    refuse(job: Job, reason: Error): void {
        const { run } = job.handle;
        const error = { type: 'Refused', message: reason.message };
        if (reason instanceof Refused && reason.isForeign) {
            error.message += WHAT_TO_DO;
            this.#display.suspend(job, this.#runs.get(run));
        } else {
            this.#display.drop(job);
        }
        this.conclude(run, 'lost', error);
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
        const backoff = new Backoff(this.#connection);
        let isLoaded = false;
        // It may be cancelled or replaced meanwhile.
        while (this.#jobs.has(job) && !isLoaded) {
            try {
                await this.#page.load(files);
                isLoaded = true;
                backoff.succeeded();
            } catch (reason) {
                const wait = backoff.after(new ForeignAnswer(String(reason)));
                if (wait === undefined) {
                    this.#giveUp(job, String(reason));
                } else {
                    await new Promise((resolve) => setTimeout(resolve, wait));
                }
            }
        }
        if (this.#jobs.has(job)) {
            this.#end(job, ending);
        }
        this.#delegate.settle();
    }

    /** Leave a result to the page that is loaded next. */
    #giveUp(job: Job, reason: string): void {
        this.#display.drop(job);
        this.#jobs.keepForNextPage(job);
        this.conclude(job.handle.run, 'failed', {
            type: 'LibraryError',
            message: `${reason}. Reload the page to see the result.`,
        });
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
