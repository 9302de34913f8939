import { Overrides } from './effects/overrides';
import { LoadingMarks } from './effects/loadingMarks';
import { Updates } from './effects/updates';
import type { Page } from './page/page';
import type { PastResults } from './pastResults';
import type { Job } from './state/job';
import type { Jobs } from './state/jobs';
import type { Run } from './state/run';
import type { Handle } from './wire/handle';
import type { Snapshot } from './wire/snapshot';
import { toUpdates, type Update } from './wire/update';

/** Shows on the page what its jobs set, while they run and at their ends. */
export class Display {
    readonly #page: Page;
    readonly #jobs: Jobs;
    readonly updates: Updates;
    readonly #overrides: Overrides;
    readonly #loadingMarks: LoadingMarks;
    /** For the tray. */
    past: PastResults | undefined;
    #unwatch: (() => void) | undefined;

    constructor(page: Page, jobs: Jobs) {
        this.#page = page;
        this.#jobs = jobs;
        this.updates = new Updates(page);
        this.#overrides = new Overrides(page, this.updates);
        this.#loadingMarks = new LoadingMarks(page);
    }

    /**
     * Show a job from now on: its `running` and `progress`. They may hide an old result,
     * so a job that refreshes one leaves them alone.
     */
    add(job: Job): void {
        this.#jobs.add(job);
        if (!job.handle.stale) {
            this.#overrides.start(job);
        }
    }

    /** Keep the old result that a job refreshes, for outputs that leave and come back. */
    keepStale(job: Job): void {
        const shown = job.handle.outputs.map(([id, property]): Update => [
            id,
            property,
            this.#page.value(id, property),
        ]);
        this.updates.keep(
            shown.filter(([, , value]) => value !== undefined),
            job,
        );
    }

    /** Show what a job has set since the last look. */
    update(job: Job, { progress = [], props = [] }: Snapshot): void {
        this.#overrides.set(job, progress);
        const updates = job.postpone(props);
        this.#overrides.leave(job, updates);
        this.updates.apply(this.#overrides.spread(job, updates), job);
        job.addStreamed(updates);
    }

    /**
     * Show the result of a job, and the job no longer. Return whether it sets all
     * outputs, so that none shows an old result.
     */
    end(job: Job, { status, result = {} }: Omit<Snapshot, 'cursor'>): boolean {
        const { sideUpdate, response } = result;
        const postponed = status === 'succeeded' ? job.postponed : [];
        const updates = [...postponed, ...toUpdates(response)];
        // The order of Dash's own background callbacks. The response is last, so
        // that it wins over a `running` or `progress` of the same property.
        this.updates.apply(toUpdates(sideUpdate), job);
        this.drop(job);
        this.updates.apply(updates, job);
        this.past?.record(job.handle);
        this.#jobs.keepUnshown(job);
        return job.isSetBy(updates);
    }

    /** Stop showing a job. Properties that show another result (`shown`) keep it. */
    drop(job: Job, shown?: Handle['outputs']): void {
        this.#jobs.drop(job);
        this.#overrides.release(job, shown);
    }

    /** Stop showing a job until it goes on: a guard refused it. */
    suspend(job: Job, run: Run | undefined): void {
        this.#jobs.refuse(job, run);
        this.#overrides.release(job);
    }

    /** Bring the page in line with the jobs; call back when it may have changed. */
    settle(changed: () => void): void {
        for (const { handle } of this.#jobs.takeShown((job) =>
            this.updates.hasUnshown(job),
        )) {
            this.past?.record(handle);
        }
        this.past?.refresh();
        this.#loadingMarks.show(
            this.#jobs.all.flatMap(({ awaitedOutputs }) => awaitedOutputs),
        );
        if (
            this.#jobs.live.length > 0 ||
            this.updates.waiting ||
            this.past?.isWaiting
        ) {
            this.#unwatch ??= this.#page.watch(() => {
                this.updates.flush();
                this.#overrides.refresh();
                changed();
            });
        } else {
            this.#unwatch?.();
            this.#unwatch = undefined;
        }
    }
}
