import { Canceller } from './network/canceller';
import { Claims } from './effects/heldProps';
import { Refused, type Client } from './network/client';
import type { Connection } from './network/connection';
import { Echoes } from './page/ownResults';
import type { Handle } from './wire/handle';
import { stringifyId, type Id } from './wire/id';
import { isOfJob, Job, type JobHandle } from './job';
import type { Library } from './page/libraries';
import { Marks } from './effects/loadingMarks';
import type { Memory } from './state/tabStorage';
import type { Page } from './page/page';
import { Poller, type Subject } from './network/poller';
import type { Runs } from './state/runs';
import {
    isFinal,
    type JobError,
    type Snapshot,
    type Status,
} from './wire/snapshot';
import { Stamps, type Stamp } from './page/triggerOrder';
import type { Answer, Payload } from './page/dashState';
import { toUpdates } from './wire/update';
import { Updates } from './effects/updates';

/** The wait between polls on a page that nobody sees: ends wait for a long time. */
const HIDDEN_MS = 60_000;
/** The same, where somebody is told of them though the page is not seen. */
const TOLD_MS = 5000;

type Ending = Omit<Snapshot, 'cursor'>;

/** Follows the jobs of a page: from their handles to what they leave on it. */
export class Engine implements Subject {
    readonly connection: Connection;
    readonly #page: Page;
    readonly #memory: Memory<JobHandle>;
    readonly #jobs = new Set<Job>();
    /** Jobs that have ended, and of which something is still to be shown. */
    #unshown: Job[] = [];
    /** Given up here; the page that is loaded next, after a login, asks again. */
    readonly #orphans = new Set<Job>();
    /** By callbackKey: a job may be over before the handle of an older one arrives. */
    readonly #latest = new Map<string, Handle>();
    readonly #stamps = new Stamps();
    readonly #echoes = new Echoes();
    readonly #updates: Updates;
    readonly #claims: Claims;
    readonly #marks: Marks;
    readonly #poller: Poller;
    readonly #canceller: Canceller;
    /** How many tell of jobs elsewhere than on the page. */
    #tellers = 0;
    #unwatch: (() => void) | undefined;

    constructor(
        page: Page,
        client: Client,
        memory: Memory<JobHandle>,
        cancels: Memory<string>,
        /** What people see of the jobs. */
        readonly runs: Runs,
    ) {
        this.#page = page;
        this.#memory = memory;
        this.connection = client.connection;
        this.#updates = new Updates(page);
        this.#claims = new Claims(page, this.#updates);
        this.#marks = new Marks(page);
        this.#poller = new Poller(client, this);
        this.#canceller = new Canceller(client, cancels, (reason) => {
            page.report(`Long callbacks not cancelled: ${reason.message}`);
        });
    }

    /** Takes up the jobs that the page followed when it was loaded before. */
    resume(): void {
        for (const handle of this.#memory.recall()) {
            if (isOfJob(handle) && !this.#isKnown(handle)) {
                this.#stamps.pass(handle.seq);
                this.#start(handle);
            }
        }
        this.runs.retain([...this.#jobs].map((job) => job.handle.run));
        this.#settle();
    }

    /** The stamp for a request that may start a job. */
    stamp(request: Payload): Stamp {
        const stamp = this.#next();
        if (this.#echoes.hear(request)) {
            stamp.ownResult = true;
        }
        return stamp;
    }

    /** Follows the jobs of new handles, but for those cancelled or replaced already. */
    take(handles: Handle[]): void {
        for (const handle of handles.filter((each) => !this.#isKnown(each))) {
            if (!isOfJob(handle)) {
                this.#makeWay(handle);
            } else if (this.#isCancelled(handle) || this.#isReplaced(handle)) {
                this.#canceller.cancel([handle.token]);
            } else {
                this.#start(handle);
            }
        }
        this.#settle();
    }

    /** Cancels the jobs that name one of these cancel Inputs, known or yet to come. */
    cancel(propIds: string[]): void {
        this.#stamps.cancel(propIds);
        this.#cancelWhere((handle) => this.#isCancelled(handle));
    }

    /** Cancels the live job that a run shows. */
    cancelRun(id: string): void {
        this.#cancelWhere(({ run }) => run === id);
    }

    /** Cancels the live jobs that a component is there to show. */
    cancelView(view: Id): void {
        const key = stringifyId(view);
        this.#cancelWhere(
            (handle) => handle.view && stringifyId(handle.view) === key,
        );
    }

    /** Starts a job like one that has ended: of the same callback, with its inputs. */
    async retry(id: string): Promise<void> {
        const run = this.runs.get(id);
        if (!run?.request || !isFinal(run.status) || run.retrying) {
            return;
        }
        const { request } = run;
        this.runs.retry(id, true);
        let error: JobError | undefined;
        try {
            const answer = await this.#page.send(request, this.#next());
            this.#echoes.expect(request, answer.response);
            await this.#show(answer);
        } catch (reason) {
            error = { type: 'NotStarted', message: (reason as Error).message };
        }
        this.runs.retry(id, false, error);
    }

    /** Brings the component to view that the result of a run goes to. */
    visit(id: string): void {
        const run = this.runs.get(id);
        if (run) {
            this.#page.visit(run.location, run.output);
        }
    }

    /** Whether a callback reads this property of a component. */
    isRead(id: Id, property: string): boolean {
        return this.#page.isRead(id, property);
    }

    /** The jobs to poll for. */
    pending(): Job[] {
        return this.#select((job) => !job.ended);
    }

    /**
     * Keeps jobs up to date on a page that nobody sees too: somebody is told of them
     * in the title of its tab, or by the system. Returns what ends that.
     */
    tellElsewhere(): () => void {
        this.#tellers++;
        return () => this.#tellers--;
    }

    hiddenWait(): number {
        return Math.min(
            this.#tellers > 0 ? TOLD_MS : HIDDEN_MS,
            ...this.pending().map((job) => job.heartbeat),
        );
    }

    answered(answers: [Job, Snapshot][]): void {
        // A result from the cache may be on the page already, and its handle yet to be
        // taken: what it replaces must not end on top of it.
        this.take(this.#page.handles().filter((each) => each.cached));
        for (const [job, snapshot] of answers) {
            const { cursor, status, progress = [], props = [] } = snapshot;
            const isNews = cursor > job.cursor || isFinal(status);
            if (!this.#jobs.has(job) || job.ended) {
                continue;
            }
            this.runs.report(job.handle.run, snapshot);
            if (isNews) {
                job.cursor = cursor;
                this.#claims.set(job, progress);
                this.#updates.apply(props, job);
                job.stream(props);
                if (isFinal(status)) {
                    this.#finish(job, snapshot);
                }
            }
        }
        this.#settle();
    }

    refused(jobs: Job[], reason: Error): void {
        const error = { type: 'Refused', message: reason.message };
        if (reason instanceof Refused && reason.isByAnother) {
            for (const job of jobs.filter((each) => this.#jobs.has(each))) {
                this.#orphans.add(job);
            }
        }
        this.answered(
            jobs.map((job) => [
                job,
                { cursor: job.cursor, status: 'lost', error },
            ]),
        );
    }

    #next(): Stamp {
        const stamp = this.#stamps.next();
        const others = this.#select(({ handle }) => handle.page !== stamp.page);
        if (others.length > 0) {
            stamp.resumed = others.map(({ handle }) => [
                handle.callbackKey,
                handle.page,
                handle.inputDigests,
            ]);
            stamp.untouched = this.#page.isUntouched;
        }
        return stamp;
    }

    #isKnown({ callbackKey, run }: Handle): boolean {
        return (
            this.#latest.get(callbackKey)?.run === run ||
            this.#select((job) => job.handle.run === run).length > 0
        );
    }

    #isCancelled({ seq, cancel }: Handle): boolean {
        return this.#stamps.cancelledSince(seq, cancel);
    }

    #isReplaced({ retrigger, callbackKey, seq }: Handle): boolean {
        return (
            retrigger === 'replace' &&
            seq < (this.#latest.get(callbackKey)?.seq ?? 0)
        );
    }

    /** Shows what has ended before it began, and lets go of what it replaces. */
    #makeWay(handle: Handle): void {
        const { error } = handle;
        if (!this.#isReplaced(handle)) {
            this.#cancelAll(this.#begin(handle), handle.outputs);
            if (error) {
                this.#conclude(handle.run, 'failed', error);
            }
        }
    }

    /** Puts a handle in the place of others of its slot; returns their live jobs. */
    #begin(handle: Handle): Job[] {
        this.runs.begin(handle, {
            location: this.#page.location,
            request: this.#page.request(handle.seq),
        });
        // What has not come to the server has replaced nothing there.
        if (handle.error) {
            return [];
        }
        for (const orphan of this.#orphans) {
            if (orphan.isReplacedBy(handle)) {
                this.#orphans.delete(orphan);
            }
        }
        this.#latest.set(handle.callbackKey, handle);
        const replaced = this.#select((live) => live.isReplacedBy(handle));
        for (const { handle: old } of replaced) {
            this.runs.forget(old.run);
        }
        return replaced;
    }

    #start(handle: JobHandle): void {
        const replaced = this.#begin(handle);
        const job = new Job(handle);
        this.#jobs.add(job);
        // Before the old job lets go, so that nothing flickers.
        this.#claims.take(job);
        this.#cancelAll(replaced);
        this.#poller.hurry();
    }

    #finish(job: Job, ending: Ending): void {
        job.ended = true;
        if (ending.files) {
            void this.#endWith(ending.files, job, ending);
        } else {
            this.#end(job, ending);
        }
    }

    /** Ends a job when the page has what its result needs. */
    async #endWith(files: Library[], job: Job, ending: Ending): Promise<void> {
        try {
            await this.#page.load(files);
        } catch (reason) {
            const error = { type: 'LibraryError', message: String(reason) };
            ending = { status: 'failed', error };
        }
        // It may have been cancelled or replaced meanwhile.
        if (this.#jobs.has(job)) {
            this.#end(job, ending);
            this.#settle();
        }
    }

    #end(job: Job, { status, result = {}, error }: Ending): void {
        // The order of Dash's own background callbacks. The response is last, so
        // that it wins over a `running` or `progress` of the same property.
        this.#updates.apply(toUpdates(result.sideUpdate), job);
        this.#drop(job);
        this.#echoes.expect(
            this.runs.get(job.handle.run)?.request,
            result.response,
        );
        this.#updates.apply(toUpdates(result.response), job);
        this.#unshown.push(job);
        this.#conclude(job.handle.run, status, error);
    }

    /** Tells people and developers how a run has ended. */
    #conclude(run: string, status: Status, error?: JobError): void {
        this.runs.end(run, status, error);
        if (error) {
            const { task, type, message, traceback } = error;
            const text = `Long callback ${task ?? ''} ${status}: ${type}: ${message}`;
            this.#page.report(text.replace(/\s+/g, ' '), traceback);
        }
    }

    /** Shows what a callback has answered, as Dash does. */
    async #show({ dist, sideUpdate, response }: Answer): Promise<void> {
        await this.#page.load(dist ?? []);
        this.#updates.apply(toUpdates(sideUpdate));
        this.#updates.apply(toUpdates(response));
        this.#settle();
    }

    #cancelWhere(predicate: (handle: Handle) => unknown): void {
        this.#cancelAll(this.#select(({ handle }) => predicate(handle)));
        this.#settle();
    }

    /** Ends jobs; what is `shown` already, of the properties they hold, stays. */
    #cancelAll(jobs: Job[], shown?: Handle['outputs']): void {
        for (const job of jobs) {
            this.#drop(job, shown);
            this.runs.end(job.handle.run, 'cancelled');
        }
        this.#canceller.cancel(jobs.map(({ handle }) => handle.token));
    }

    #drop(job: Job, shown?: Handle['outputs']): void {
        this.#jobs.delete(job);
        job.ended = true;
        this.#claims.release(job, shown);
    }

    /** A job whose result waits for its component is not over for the page. */
    #remember(): void {
        this.#unshown = this.#unshown.filter((job) => this.#updates.holds(job));
        const kept = [...this.#unshown, ...this.#jobs, ...this.#orphans];
        this.#memory.keep(kept.map(({ handle }) => handle));
    }

    #select(predicate: (job: Job) => unknown): Job[] {
        return [...this.#jobs].filter(predicate);
    }

    /** Brings what follows from the live jobs in line with them. */
    #settle(): void {
        this.#remember();
        this.runs.flush();
        this.#marks.show([...this.#jobs].flatMap(({ awaited }) => awaited));
        if (this.pending().length === 0) {
            this.#poller.stop();
        }
        if (this.#jobs.size > 0 || this.#updates.waiting) {
            this.#unwatch ??= this.#page.watch(() => {
                this.#updates.flush();
                this.#claims.refresh();
                this.#settle();
            });
        } else {
            this.#unwatch?.();
            this.#unwatch = undefined;
        }
    }
}
