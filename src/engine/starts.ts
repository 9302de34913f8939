import type { Page } from './page/page';
import { Intervals } from './state/intervals';
import type { Job } from './state/job';
import type { Jobs } from './state/jobs';
import type { Runs } from './state/runs';
import { buttonsOf } from './wire/callbackRequest';
import type { Handle } from './wire/handle';

/** Begins the runs of new handles. */
export class Starts {
    readonly #page: Page;
    readonly #jobs: Jobs;
    readonly #runs: Runs;
    readonly intervals = new Intervals();

    constructor(page: Page, jobs: Jobs, runs: Runs) {
        this.#page = page;
        this.#jobs = jobs;
        this.#runs = runs;
    }

    /** Begin the run of a handle; return the live jobs that it replaces. */
    begin(handle: Handle): Job[] {
        // A handle that the tab has saved has the number of another page's request.
        const request = handle.buttons
            ? undefined
            : this.#page.request(handle.seq);
        handle.buttons ??= buttonsOf(request);
        this.#runs.begin(handle, { location: this.#page.location, request });
        if (handle.error && !handle.stale) {
            // A start that failed has replaced nothing on the server. With an old
            // result, the page shows that in place of what a live job will return.
            return [];
        }
        const replaced = this.#jobs.replaceBy(handle);
        for (const { handle: old } of replaced) {
            this.#runs.forget(old.run);
        }
        const { callbackKey, name = '' } = handle;
        if (
            replaced.length > 0 &&
            this.intervals.replace(callbackKey, request)
        ) {
            this.#page.report(
                `Long callback ${name}: its dcc.Interval replaces each job before ` +
                    'it ends: see on_retrigger.',
            );
        }
        return replaced;
    }
}
