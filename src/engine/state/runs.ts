import type { CallbackRequest } from '../wire/callbackRequest';
import type { Handle } from '../wire/handle';
import { stringifyId, type Id } from '../wire/id';
import {
    isTerminal,
    type JobError,
    type Snapshot,
    type Status,
} from '../wire/snapshot';
import { Listeners } from './listeners';
import { newRun, type Run } from './run';
import { ended, withSnapshot } from './runChanges';
import type { TabStorage } from './tabStorage';

const ENDED_RUNS = 50;

/** The origin of a job: its page and its request. */
export type Origin = { location: string; request: CallbackRequest | undefined };

/**
 * What survives a reload: what a list shows of a run. Its request does not, since it
 * may be secret or large.
 */
type SavedRun = Pick<
    Run,
    | 'id'
    | 'token'
    | 'name'
    | 'title'
    | 'location'
    | 'outputs'
    | 'status'
    | 'began'
    | 'elapsed'
>;

/** The runs of the page, whether or not a component shows them. */
export class Runs {
    readonly #storage: TabStorage<SavedRun>;
    /** In the order in which they began. */
    #runs = new Map<string, Run>();
    /** The run that each component shows. */
    #shown = new Map<string, Run>();
    readonly #counts = new Map<string, number>();
    readonly #listeners = new Listeners();
    #changed = false;
    readonly watch = this.#listeners.watch;
    /** The runs to list, in the order in which they began. */
    listed: readonly Run[] = [];

    constructor(storage: TabStorage<SavedRun>) {
        this.#storage = storage;
        this.load();
    }

    /** Add the runs that the tab has saved, except for known ones. */
    load(): void {
        for (const saved of this.#storage.load()) {
            if (!this.#runs.has(saved.id)) {
                this.put(newRun(saved));
            }
        }
    }

    get(id: string): Run | undefined {
        return this.#runs.get(id);
    }

    /** Return the run that a component shows: the one that was started last. */
    of(view: Id): Run | undefined {
        return this.#shown.get(stringifyId(view));
    }

    /** Return the last run that a button or a view has started, a live one first. */
    startedBy(button: Id, view: Id | undefined): Run | undefined {
        const buttonId = stringifyId(button);
        const viewId = view && stringifyId(view);
        const own = [...this.#runs.values()].filter(
            (run) =>
                run.buttons.includes(buttonId) ||
                (run.view !== null && stringifyId(run.view) === viewId),
        );
        const live = own.filter(({ status }) => !isTerminal(status));
        return live.at(-1) ?? own.at(-1);
    }

    /** Return how many runs a component has had to show. */
    countOf(view: Id): number {
        return this.#counts.get(stringifyId(view)) ?? 0;
    }

    begin(handle: Handle, { location, request }: Origin): void {
        const { run: id, name = '', title, view = null } = handle;
        const { token, outputs, cached, stale, buttons, steps = [] } = handle;
        const before = this.#runs.get(id);
        if (view) {
            this.#counts.set(stringifyId(view), this.countOf(view) + 1);
        }
        this.put(
            newRun({
                id,
                token: token ?? undefined,
                name,
                title: title ?? '',
                view,
                // Before a reload the run may have begun on another page.
                location: before?.location ?? location,
                began: before?.began ?? Date.now(),
                outputs,
                buttons: buttons ?? [],
                steps: steps.map((step) => [step, 0, 'to_come', 0, 0]),
                planned: steps.length,
                status: cached ? 'succeeded' : 'queued',
                elapsed: cached?.duration,
                cached,
                stale,
                request,
            }),
        );
    }

    /** Add what a snapshot reports, except for the end: `end` adds that. */
    report(id: string, snapshot: Snapshot): void {
        this.#change(id, (run) => withSnapshot(run, snapshot));
    }

    /** Record which runs the server can't report on now; it can on all others. */
    setUnreachable(ids: string[]): void {
        for (const run of this.#runs.values()) {
            const isUnreachable = ids.includes(run.id);
            if (isUnreachable !== !!run.isUnreachable) {
                this.put({ ...run, isUnreachable });
            }
        }
    }

    end(id: string, status: Status, error?: JobError): void {
        this.#change(id, (run) => ended(run, status, error));
    }

    /** Record that the page is starting a run again, or why it failed to. */
    retry(id: string, retrying: boolean, error?: JobError): void {
        this.#change(id, (run) => ({
            ...run,
            retrying,
            error: error ?? run.error,
        }));
        this.flush();
    }

    /** Record why the page can't show the result of a run, if it can't. */
    setFault(id: string, message?: string): void {
        const error = message ? { type: 'NotShown', message } : undefined;
        this.#change(id, (run) => ({ ...run, error }));
    }

    /** Record that the outputs of a run no longer show an old result. */
    refresh(id: string): void {
        this.#change(id, (run) => ({ ...run, stale: undefined }));
    }

    /** Drop a run that another one has replaced. */
    forget(id: string): void {
        this.#changed = this.#runs.delete(id) || this.#changed;
    }

    /** Drop the live runs that the page no longer follows: a reload has lost them. */
    retain(live: string[]): void {
        for (const { id, status } of this.#runs.values()) {
            if (!isTerminal(status) && !live.includes(id)) {
                this.forget(id);
            }
        }
    }

    /** Take the runs that have ended off the list. */
    clear(): void {
        for (const run of this.listed) {
            if (isTerminal(run.status)) {
                this.put({ ...run, cleared: true });
            }
        }
        this.flush();
    }

    /** Tell listeners about all changes at once. */
    flush(): void {
        if (this.#changed) {
            this.#changed = false;
            // One that another page has started may come late.
            this.#runs = new Map(
                [...this.#runs].sort(([, a], [, b]) => a.began - b.began),
            );
            this.#choose();
            this.#prune();
            this.listed = [...this.#runs.values()].filter(
                ({ cleared }) => !cleared,
            );
            this.#storage.save(this.listed.map(savedOf));
            this.#listeners.tell();
        }
    }

    /** Add a run, or replace it; `flush` tells the listeners. */
    put(run: Run): void {
        this.#runs.set(run.id, run);
        this.#changed = true;
    }

    #change(id: string, change: (run: Run) => Run): void {
        const run = this.#runs.get(id);
        if (run) {
            this.put(change(run));
        }
    }

    #choose(): void {
        this.#shown = new Map();
        for (const run of this.#runs.values()) {
            const { view, status } = run;
            if (view) {
                // A job that waits behind a running one has not started yet.
                const isBehind =
                    status === 'queued' && this.of(view)?.status === 'running';
                if (!isBehind) {
                    this.#shown.set(stringifyId(view), run);
                }
            }
        }
    }

    #prune(): void {
        const shown = new Set(this.#shown.values());
        const over = [...this.#runs.values()].filter(
            (run) => isTerminal(run.status) && !shown.has(run),
        );
        const excess = over.length - ENDED_RUNS;
        for (const [index, { id, cleared }] of over.entries()) {
            if (index < excess || cleared) {
                this.#runs.delete(id);
            }
        }
    }
}

function savedOf(run: Run): SavedRun {
    const { id, token, name, title, location, outputs } = run;
    const { status, began, elapsed } = run;
    return {
        id,
        token,
        name,
        title,
        location,
        outputs,
        status,
        began,
        elapsed: isTerminal(status) ? elapsed : undefined,
    };
}
