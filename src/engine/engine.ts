import { Display } from './display';
import { Ends } from './ends';
import { Backoff } from './network/backoff';
import { Canceller } from './network/canceller';
import type { Client } from './network/client';
import type { Connection } from './network/connection';
import { Copies } from './network/copies';
import { HiddenPace } from './network/hiddenPace';
import { Poller, type PollDelegate } from './network/poller';
import type { Page } from './page/page';
import type { Parts } from './parts';
import type { PastResults } from './pastResults';
import { Starts } from './starts';
import { isOfJob, Job, type JobHandle } from './state/job';
import { Jobs } from './state/jobs';
import type { Runs } from './state/runs';
import type { TabStorage } from './state/tabStorage';
import { Triggers } from './triggers';
import type { CallbackRequest, TriggerInfo } from './wire/callbackRequest';
import type { Handle } from './wire/handle';
import { stringifyId, type Id } from './wire/id';
import { isTerminal, type JobError, type Snapshot } from './wire/snapshot';

/** After this time Dash has shown what came with the handle of a cached result. */
const SHOWN_MS = 1000;

/** Follows the jobs of a page, from their handles to their results. */
export class Engine implements PollDelegate {
    readonly connection: Connection;
    readonly #page: Page;
    readonly #jobs: Jobs;
    readonly #triggers: Triggers;
    readonly #display: Display;
    readonly #starts: Starts;
    readonly #ends: Ends;
    readonly #poller: Poller;
    readonly #hiddenPace = new HiddenPace();
    readonly #canceller: Canceller;
    readonly #copies: Copies;

    constructor(
        page: Page,
        readonly client: Client,
        jobs: TabStorage<JobHandle>,
        cancels: TabStorage<string>,
        /** The runs that people see. */
        readonly runs: Runs,
        /** Distinguishes the app from others at the same origin. */
        name: string,
    ) {
        this.#page = page;
        this.#jobs = new Jobs(jobs);
        this.#triggers = new Triggers(page, this.#jobs);
        this.connection = client.connection;
        this.#display = new Display(page, this.#jobs);
        this.#starts = new Starts(page, this.#jobs, runs);
        this.#ends = new Ends(
            page,
            this.#jobs,
            runs,
            this.#display,
            client.connection,
            {
                ends: ({ handle }, { status, result }) => {
                    if (status === 'succeeded') {
                        this.#starts.intervals.succeed(handle.callbackKey);
                    }
                    this.#triggers.ownResults.record(
                        runs.get(handle.run)?.request,
                        result?.response,
                    );
                },
                settle: () => {
                    this.#settle();
                },
            },
        );
        this.#poller = new Poller(client, this);
        this.#canceller = new Canceller(client, cancels, (reason) => {
            page.report(`Long callbacks not cancelled: ${reason.message}`);
        });
        this.#copies = new Copies(name, (run) =>
            this.#jobs.live.some(({ handle }) => handle.run === run),
        );
        // The user may have logged in, in another tab.
        client.connection.onReturn(() => void this.#askAgain());
    }

    /**
     * Follow the jobs that the tab has saved: those of the page before a reload, or of
     * the pages since, if the browser has kept this one.
     */
    resume(): void {
        this.runs.load();
        this.#canceller.load();
        for (const handle of this.#jobs.load()) {
            this.#triggers.order.continueAfter(handle.seq);
            this.#start(handle);
        }
        this.runs.retain(this.#jobs.live.map(({ handle }) => handle.run));
        this.#settle();
    }

    /** Return what to add to a callback request, which may start a job. */
    triggerInfo(request: CallbackRequest): TriggerInfo {
        return this.#triggers.infoFor(request);
    }

    /** Follow the jobs of new handles, except for those cancelled or replaced already. */
    take(handles: Handle[]): void {
        for (const handle of handles.filter(
            (each) => !this.#jobs.isKnown(each),
        )) {
            if (!isOfJob(handle)) {
                this.#showEnded(handle);
            } else if (
                this.#isCancelled(handle) ||
                this.#jobs.isReplaced(handle)
            ) {
                this.#canceller.cancel([handle.token]);
            } else {
                this.#start(handle);
            }
        }
        this.#settle();
    }

    /** Cancel the jobs that name one of these cancel Inputs, known or yet to arrive. */
    cancel(propIds: string[]): void {
        this.#triggers.order.cancel(propIds);
        this.#cancelWhere((handle) => this.#isCancelled(handle));
    }

    /** Cancel the live job that a run shows. */
    cancelRun(id: string): void {
        this.#cancelWhere(({ run }) => run === id);
    }

    /** Cancel the live jobs whose runs a component may show. */
    cancelView(view: Id): void {
        const key = stringifyId(view);
        this.#cancelWhere(
            (handle) => handle.view && stringifyId(handle.view) === key,
        );
    }

    /**
     * Start a job again that has ended: the same callback, with the same inputs. A job
     * that a guard refused has not ended: follow it again.
     */
    async retry(id: string): Promise<void> {
        if (this.#jobs.refused.some(({ run }) => run === id)) {
            this.#goOn();
            return;
        }
        const { status, request, retrying } = this.runs.get(id) ?? {};
        if (!request || retrying || !status || !isTerminal(status)) {
            return;
        }
        this.runs.retry(id, true);
        let error: JobError | undefined;
        try {
            await this.#page.loadChunk('details');
            await window.dash_long_components_retry?.(this.#parts, request);
        } catch (reason) {
            const message = `Could not start: ${(reason as Error).message}`;
            error = { type: 'NotStarted', message };
        }
        this.runs.retry(id, false, error);
        this.#settle();
    }

    /** Go to the component that shows the result of a run, and show it there. */
    visit(id: string): void {
        const run = this.runs.get(id);
        if (run) {
            this.#display.past?.visit(run);
        }
    }

    /** Add what visits results, unless it is there. */
    addPastResults(make: (parts: Parts) => PastResults): void {
        this.#display.past ??= make(this.#parts);
    }

    get #parts(): Parts {
        return {
            page: this.#page,
            client: this.client,
            runs: this.runs,
            updates: this.#display.updates,
            ownResults: this.#triggers.ownResults,
            next: () => this.#triggers.next(),
            retry: (id) => this.retry(id),
            settle: () => {
                this.#settle();
            },
        };
    }

    /** Poll soon, if there are jobs: one of them may have news. */
    hurry(): void {
        if (this.pending().length > 0) {
            this.#poller.hurry();
        }
    }

    /** Whether a callback reads this property of a component. */
    isRead(id: Id, property: string): boolean {
        return this.#page.isRead(id, property);
    }

    /** Return what spaces out the attempts of a request. */
    newBackoff(): Backoff {
        return new Backoff();
    }

    loadHeldPolls(): Promise<unknown> {
        return this.#page.loadChunk('held');
    }

    pending(): Job[] {
        return this.#jobs.pending;
    }

    /**
     * Keep jobs up to date on a hidden page, for a badge in the tab's title or for
     * notifications. Returns a function that stops it.
     */
    keepNotified(): () => void {
        return this.#hiddenPace.notify();
    }

    hiddenWait(): number {
        return this.#hiddenPace.waitFor(this.pending());
    }

    answered(answers: [Job, Snapshot][], unreachable: Job[] = []): void {
        this.runs.setUnreachable(unreachable.map(({ handle }) => handle.run));
        this.#apply(answers);
    }

    #apply(answers: [Job, Snapshot][]): void {
        // The page may show a cached result before the engine takes its handle. A job
        // that it replaces must not end on top of it.
        this.take(
            this.#page.handles().filter((each) => each.cached ?? each.stale),
        );
        for (const [job, snapshot] of answers) {
            const { cursor, status } = snapshot;
            const isNews = cursor > job.cursor || isTerminal(status);
            if (!this.#jobs.has(job) || job.ended) {
                continue;
            }
            this.runs.report(job.handle.run, snapshot);
            if (isNews) {
                job.cursor = cursor;
                this.#display.update(job, snapshot);
                if (isTerminal(status)) {
                    this.#ends.finish(job, snapshot);
                }
            }
        }
        this.#goOn();
    }

    refused(jobs: Job[], reason: Error): void {
        for (const job of jobs.filter((each) => this.#jobs.has(each))) {
            this.#ends.refuse(job, reason);
        }
        this.#settle();
    }

    /** Go on with the jobs that a guard refused. */
    #goOn(): void {
        for (const [job, run] of this.#jobs.takeRefused()) {
            if (run) {
                this.runs.put(run);
            }
            this.#follow(job);
        }
        this.#settle();
    }

    async #askAgain(): Promise<void> {
        const { refused } = this.#jobs;
        if (refused.length > 0 && (await this.client.accepts(refused))) {
            this.#goOn();
        }
    }

    #isCancelled({ seq, cancel }: Handle): boolean {
        return this.#triggers.order.cancelledSince(seq, cancel);
    }

    /** Show a run without a job: a cached result or a failed start. */
    #showEnded(handle: Handle): void {
        const { error } = handle;
        if (!this.#jobs.isReplaced(handle)) {
            this.#replaceAll(this.#starts.begin(handle), handle.outputs);
            if (error) {
                this.#ends.conclude(handle.run, 'failed', error);
            } else {
                // Dash shows the values only after this.
                setTimeout(() => {
                    this.#display.past?.record(handle);
                }, SHOWN_MS);
            }
        }
    }

    #start({ end, ...handle }: JobHandle): void {
        const replaced = this.#starts.begin(handle);
        const job = new Job(handle);
        // Override the properties before the old job releases them: nothing flickers.
        this.#follow(job, end);
        this.#replaceAll(replaced, handle.stale && handle.outputs);
        if (handle.stale) {
            setTimeout(() => {
                this.#display.keepStale(job);
            }, SHOWN_MS);
        }
    }

    #follow(job: Job, end?: Snapshot): void {
        this.#display.add(job);
        // A guard that lets jobs start may let cancels pass.
        this.#canceller.send();
        if (end) {
            // Only when Dash has finished with the callback that has started the job.
            setTimeout(() => {
                this.#apply([[job, end]]);
            });
        } else {
            this.#poller.hurry();
        }
    }

    #cancelWhere(predicate: (handle: Handle) => unknown): void {
        const jobs = this.#jobs.live.filter(({ handle }) => predicate(handle));
        for (const job of jobs) {
            this.#display.drop(job);
            this.runs.end(job.handle.run, 'cancelled');
        }
        this.#cancelOnServer(jobs);
        this.#settle();
    }

    /** Cancel jobs, except for those of a copied tab that the tab still shows. */
    #cancelOnServer(jobs: Job[]): void {
        this.#copies.whenOwn(
            jobs.map(({ handle }) => handle),
            (own) => {
                this.#canceller.cancel(own.map(({ token }) => token));
            },
        );
    }

    /** End jobs. Properties that show another result already (`shown`) keep it. */
    #replaceAll(jobs: Job[], shown?: Handle['outputs']): void {
        for (const job of jobs) {
            this.#display.drop(job, shown);
        }
        // The others go on for the pages that have started them.
        this.#cancelOnServer(jobs.filter(({ handle }) => !handle.shownOnly));
    }

    /** Bring page, storage, views and polls in line with the jobs. */
    #settle(): void {
        this.#display.settle(() => {
            this.#settle();
        });
        this.#jobs.save();
        this.runs.flush();
        if (this.pending().length === 0) {
            this.#poller.stop();
        }
    }
}
