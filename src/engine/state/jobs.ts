import type { Handle } from '../wire/handle';
import { isOfJob, type Job, type JobHandle } from './job';
import type { Run } from './run';
import type { TabStorage } from './tabStorage';

/** The jobs that the page follows, and which of them a new handle replaces. */
export class Jobs {
    readonly #storage: TabStorage<JobHandle>;
    readonly #followed = new Set<Job>();
    /** Jobs that have ended, with something left to show. */
    #unshown: Job[] = [];
    /** Jobs that are over for this page, but not for the page that is loaded next. */
    readonly #forNextPage = new Set<Job>();
    /** Jobs that a guard refused, and what people saw of each before. They may go on. */
    readonly #refused = new Map<Job, Run | undefined>();
    /** By callbackKey: a job may be over before the handle of an older one arrives. */
    readonly #latest = new Map<string, Handle>();

    constructor(storage: TabStorage<JobHandle>) {
        this.#storage = storage;
        window.addEventListener('pagehide', () => {
            this.#save((handle) => handle);
        });
    }

    /** Return the handles that the tab has saved, except for known ones. */
    load(): JobHandle[] {
        return this.#storage
            .load()
            .filter((handle) => isOfJob(handle) && !this.isKnown(handle))
            .map(afterReload);
    }

    /**
     * Save the handles of all jobs that are not over for the page. This includes jobs
     * whose result still waits for its component.
     *
     * A page that finds them has a copy of this tab's storage, or follows a crash: when
     * this page goes, it saves them once more for the next page of its tab.
     */
    save(): void {
        this.#save((handle) => ({ ...handle, copied: true }));
    }

    #save(saved: (handle: JobHandle) => JobHandle): void {
        this.#storage.save([...this.#kept].map(({ handle }) => saved(handle)));
    }

    get #kept(): Set<Job> {
        return new Set([
            ...this.#unshown,
            ...this.#followed,
            ...this.#forNextPage,
            ...this.#refused.keys(),
        ]);
    }

    /** The jobs that have not ended: those followed, and those that a guard refused. */
    get live(): Job[] {
        return [...this.#followed, ...this.#refused.keys()];
    }

    get all(): Job[] {
        return [...this.#followed];
    }

    /** The jobs to poll for. */
    get pending(): Job[] {
        return this.all.filter((job) => !job.ended);
    }

    has(job: Job): boolean {
        return this.#followed.has(job);
    }

    add(job: Job): void {
        this.#followed.add(job);
    }

    drop(job: Job): void {
        this.#followed.delete(job);
        this.#refused.delete(job);
        job.ended = true;
    }

    /** Save a job that has ended until the page has shown all of its result. */
    keepUnshown(job: Job): void {
        this.#unshown.push(job);
    }

    /** Return the ended jobs whose result has been shown by now, once. */
    takeShown(hasUnshown: (job: Job) => boolean): Job[] {
        const shown = this.#unshown.filter((job) => !hasUnshown(job));
        this.#unshown = this.#unshown.filter(hasUnshown);
        return shown;
    }

    /** Save a job for the page that is loaded next. */
    keepForNextPage(job: Job): void {
        this.#forNextPage.add(job);
    }

    /** No longer save a job for the page that is loaded next. */
    forget(job: Job): void {
        this.#forNextPage.delete(job);
    }

    /** Follow a job no longer that a guard refused; keep it, also for the next page. */
    refuse(job: Job, run: Run | undefined): void {
        this.#followed.delete(job);
        this.#refused.set(job, run);
    }

    /** The handles of the jobs that a guard refused. */
    get refused(): JobHandle[] {
        return [...this.#refused.keys()].map(({ handle }) => handle);
    }

    /** Return the jobs that a guard refused, with their runs before, and drop them. */
    takeRefused(): [Job, Run | undefined][] {
        const refused = [...this.#refused];
        this.#refused.clear();
        return refused;
    }

    isKnown({ callbackKey, run }: Handle): boolean {
        return (
            this.#latest.get(callbackKey)?.run === run ||
            [...this.#kept].some(({ handle }) => handle.run === run)
        );
    }

    /** Whether a later trigger has already replaced the job of a handle. */
    isReplaced({ retrigger, callbackKey, seq }: Handle): boolean {
        return (
            retrigger === 'replace' &&
            seq < (this.#latest.get(callbackKey)?.seq ?? 0)
        );
    }

    /** Make a handle the latest of its callback; return the jobs that it replaces. */
    replaceBy(handle: Handle): Job[] {
        for (const job of this.#forNextPage) {
            if (job.isReplacedBy(handle)) {
                this.forget(job);
            }
        }
        this.#latest.set(handle.callbackKey, handle);
        return this.live.filter((job) => job.isReplacedBy(handle));
    }
}

/**
 * Return a handle for a page that is loaded again: it no longer shows the old result
 * that a job refreshes. If the load triggers the callback with the same inputs, the
 * server sends it again.
 */
function afterReload(handle: JobHandle): JobHandle {
    const { stale, ...others } = handle;
    return stale && others.retrigger === 'replace'
        ? { ...others, refreshes: true }
        : others;
}
