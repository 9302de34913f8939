import { HeldProps } from './effects/heldProps';
import { LoadingMarks } from './effects/loadingMarks';
import { PastResults } from './effects/pastResults';
import { Updates } from './effects/updates';
import { Canceller } from './network/canceller';
import type { Client } from './network/client';
import type { Connection } from './network/connection';
import { HiddenPace } from './network/hiddenPace';
import { Poller, type PollDelegate } from './network/poller';
import { RESTORED_MS, type Page } from './page/page';
import { Refusals } from './refusals';
import { Intervals } from './state/intervals';
import { isOfJob, Job, type JobHandle } from './state/job';
import { Jobs } from './state/jobs';
import { outputOf } from './state/run';
import type { Runs } from './state/runs';
import type { TabStorage } from './state/tabStorage';
import { Triggers } from './triggers';
import {
    buttonsOf,
    type CallbackAnswer,
    type CallbackRequest,
    type TriggerInfo,
} from './wire/callbackRequest';
import type { Handle } from './wire/handle';
import { stringifyId, type Id } from './wire/id';
import type { Library } from './wire/library';
import {
    isTerminal,
    type JobError,
    type Snapshot,
    type Status,
} from './wire/snapshot';
import { toUpdates } from './wire/update';

type Ending = Omit<Snapshot, 'cursor'>;

/** After this time Dash has shown what came with the handle of a cached result. */
const SHOWN_MS = 1000;

/** Follows the jobs of a page, from their handles to their results. */
export class Engine implements PollDelegate {
    readonly connection: Connection;
    readonly #page: Page;
    readonly #jobs: Jobs;
    readonly #triggers: Triggers;
    readonly #updates: Updates;
    readonly #heldProps: HeldProps;
    readonly #loadingMarks: LoadingMarks;
    readonly #pastResults: PastResults;
    readonly #intervals = new Intervals();
    readonly #poller: Poller;
    readonly #hiddenPace = new HiddenPace();
    readonly #canceller: Canceller;
    readonly #refusals: Refusals;
    #unwatch: (() => void) | undefined;

    constructor(
        page: Page,
        client: Client,
        jobs: TabStorage<JobHandle>,
        cancels: TabStorage<string>,
        /** The runs that people see. */
        readonly runs: Runs,
    ) {
        this.#page = page;
        this.#jobs = new Jobs(jobs);
        this.#triggers = new Triggers(page, this.#jobs);
        this.connection = client.connection;
        this.#updates = new Updates(page);
        this.#heldProps = new HeldProps(page, this.#updates);
        this.#loadingMarks = new LoadingMarks(page);
        this.#pastResults = new PastResults(page, this.#updates, {
            read: async (token) => {
                const { jobs } = await client.poll([[token, 0]]);
                return jobs?.[0];
            },
            shows: (run, result) => {
                this.#triggers.ownResults.record(run.request, result);
            },
            settled: ({ id }, failure) => {
                this.runs.setFault(id, failure?.message);
                this.#settle();
            },
        });
        this.#poller = new Poller(client, this);
        this.#canceller = new Canceller(client, cancels, (reason) => {
            page.report(`Long callbacks not cancelled: ${reason.message}`);
        });
        this.#refusals = new Refusals(client, this.#jobs, (handles) => {
            this.#followAgain(handles);
        });
    }

    /** Follow the jobs again that the page followed before a reload. */
    resume(): void {
        for (const handle of this.#jobs.load()) {
            this.#triggers.order.continueAfter(handle.seq);
            this.#start(handle);
        }
        this.runs.retain(this.#jobs.all.map((job) => job.handle.run));
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
        if (this.#refusals.has(id)) {
            this.#refusals.end();
            return;
        }
        const run = this.runs.get(id);
        if (!run?.request || !isTerminal(run.status) || run.retrying) {
            return;
        }
        const { request } = run;
        this.runs.retry(id, true);
        let error: JobError | undefined;
        try {
            const answer = await this.#page.send(
                request,
                this.#triggers.next(),
            );
            this.#triggers.ownResults.record(request, answer.response);
            await this.#show(answer);
        } catch (reason) {
            const message = `Could not start: ${(reason as Error).message}`;
            error = { type: 'NotStarted', message };
        }
        this.runs.retry(id, false, error);
    }

    /**
     * Go to the component that shows the result of a run, and show it there again if
     * the page has lost it.
     */
    visit(id: string): void {
        const run = this.runs.get(id);
        if (!run) {
            return;
        }
        const output = outputOf(run);
        this.#page.visit(run.location, output);
        if (
            run.status !== 'succeeded' ||
            !output ||
            this.#updates.waitFor(output) ||
            this.#pastResults.isShown(run)
        ) {
            return;
        }
        if (run.token) {
            this.#pastResults.want(run);
            this.#settle();
        } else {
            // The cache answers again.
            void this.retry(id);
        }
    }

    /** Whether a run was started on another page of the app than the present one. */
    isElsewhere(id: string): boolean {
        return (
            pathOf(this.runs.get(id)?.location) !== pathOf(this.#page.location)
        );
    }

    /** Whether a callback reads this property of a component. */
    isRead(id: Id, property: string): boolean {
        return this.#page.isRead(id, property);
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
        this.#applyAnswers(answers, unreachable);
        this.#refusals.end();
        this.#settle();
    }

    #applyAnswers(answers: [Job, Snapshot][], unreachable: Job[] = []): void {
        // The page may show a cached result before the engine takes its handle. A job
        // that it replaces must not end on top of it.
        this.take(this.#page.handles().filter((each) => each.cached));
        this.runs.setUnreachable(unreachable.map(({ handle }) => handle.run));
        for (const [job, snapshot] of answers) {
            const { cursor, status, progress = [], props = [] } = snapshot;
            const isNews = cursor > job.cursor || isTerminal(status);
            if (!this.#jobs.has(job) || job.ended) {
                continue;
            }
            this.runs.report(job.handle.run, snapshot);
            if (isNews) {
                job.cursor = cursor;
                this.#heldProps.set(job, progress);
                this.#heldProps.leave(job, props);
                this.#updates.apply(this.#heldProps.spread(job, props), job);
                job.addStreamed(props);
                if (isTerminal(status)) {
                    this.#finish(job, snapshot);
                }
            }
        }
    }

    refused(jobs: Job[], reason: Error): void {
        const error = this.#refusals.add(jobs, reason);
        this.#applyAnswers(
            jobs.map((job) => [
                job,
                { cursor: job.cursor, status: 'lost', error },
            ]),
        );
        this.#settle();
    }

    /** Follow jobs again that the page had given up. */
    #followAgain(handles: JobHandle[]): void {
        for (const handle of handles) {
            this.runs.reopen(handle.run);
            this.#follow(handle);
        }
        this.#settle();
    }

    #isCancelled({ seq, cancel }: Handle): boolean {
        return this.#triggers.order.cancelledSince(seq, cancel);
    }

    /** Show a run without a job: a cached result or a failed start. */
    #showEnded(handle: Handle): void {
        const { error } = handle;
        if (!this.#jobs.isReplaced(handle)) {
            this.#cancelAll(this.#begin(handle), handle.outputs);
            if (error) {
                this.#conclude(handle.run, 'failed', error);
            } else {
                // Dash shows the values only after this.
                setTimeout(() => {
                    this.#pastResults.record(handle.run, handle.outputs);
                }, SHOWN_MS);
            }
        }
    }

    /** Begin the run of a handle; return the live jobs that it replaces. */
    #begin(handle: Handle): Job[] {
        const request = this.#page.request(handle.seq);
        // A reload keeps the handle, but not the request.
        handle.buttons ??= buttonsOf(request);
        this.runs.begin(handle, { location: this.#page.location, request });
        if (handle.error) {
            // A start that failed has replaced nothing on the server.
            return [];
        }
        const replaced = this.#jobs.replaceBy(handle);
        for (const { handle: old } of replaced) {
            this.runs.forget(old.run);
        }
        const { callbackKey, name = '' } = handle;
        if (
            replaced.length > 0 &&
            this.#intervals.replace(callbackKey, request)
        ) {
            this.#page.report(
                `Long callback ${name}: its dcc.Interval has replaced the job ten ` +
                    'times without a result. Use a longer interval, or another ' +
                    'on_retrigger, such as on_retrigger="ignore".',
            );
        }
        return replaced;
    }

    #start(handle: JobHandle): void {
        const replaced = this.#begin(handle);
        // Hold the properties before the old job releases them: nothing flickers.
        this.#follow(handle);
        this.#cancelAll(replaced);
    }

    #follow(handle: JobHandle): void {
        const job = new Job(handle);
        this.#jobs.add(job);
        this.#heldProps.hold(job);
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

    /** End a job once the page has the libraries for its result. */
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
        if (status === 'succeeded') {
            this.#intervals.succeed(job.handle.callbackKey);
        }
        this.#triggers.ownResults.record(
            this.runs.get(job.handle.run)?.request,
            result.response,
        );
        this.#updates.apply(toUpdates(result.response), job);
        this.#pastResults.record(job.handle.run, job.handle.outputs);
        this.#jobs.keepUnshown(job);
        if (this.#page.isRestored) {
            this.#keepForReload(job);
        }
        this.#conclude(job.handle.run, status, error);
    }

    /** Let the job end again on the page that the browser may load in place of this. */
    #keepForReload(job: Job): void {
        this.#jobs.keepForNextPage(job);
        setTimeout(() => {
            this.#jobs.forget(job);
            this.#settle();
        }, RESTORED_MS);
    }

    /** Tell users and developers how a run has ended. */
    #conclude(run: string, status: Status, error?: JobError): void {
        this.runs.end(run, status, error);
        if (error) {
            const { task, type, message, traceback } = error;
            const text = `Long callback ${task ?? ''} ${status}: ${type}: ${message}`;
            this.#page.report(text.replace(/\s+/g, ' '), traceback);
        }
    }

    /** Show what a callback has answered, as Dash does. */
    async #show({ dist, sideUpdate, response }: CallbackAnswer): Promise<void> {
        await this.#page.load(dist ?? []);
        this.#updates.apply(toUpdates(sideUpdate));
        this.#updates.apply(toUpdates(response));
        this.#settle();
    }

    #cancelWhere(predicate: (handle: Handle) => unknown): void {
        this.#cancelAll(this.#jobs.where(({ handle }) => predicate(handle)));
        this.#settle();
    }

    /** End jobs. Properties that show another result already (`shown`) keep it. */
    #cancelAll(jobs: Job[], shown?: Handle['outputs']): void {
        for (const job of jobs) {
            this.#drop(job, shown);
            this.runs.end(job.handle.run, 'cancelled');
        }
        this.#canceller.cancel(jobs.map(({ handle }) => handle.token));
    }

    #drop(job: Job, shown?: Handle['outputs']): void {
        this.#jobs.drop(job);
        this.#heldProps.release(job, shown);
    }

    /** Bring storage, views, marks, polls and watchers in line with the jobs. */
    #settle(): void {
        for (const { handle } of this.#jobs.takeShown((job) =>
            this.#updates.hasUnshown(job),
        )) {
            this.#pastResults.record(handle.run, handle.outputs);
        }
        this.#jobs.save();
        this.runs.flush();
        this.#pastResults.refresh();
        this.#loadingMarks.show(
            this.#jobs.all.flatMap(({ awaitedOutputs }) => awaitedOutputs),
        );
        if (this.pending().length === 0) {
            this.#poller.stop();
        }
        if (
            this.#jobs.size > 0 ||
            this.#updates.waiting ||
            this.#pastResults.isWaiting
        ) {
            this.#unwatch ??= this.#page.watch(() => {
                this.#updates.flush();
                this.#heldProps.refresh();
                this.#settle();
            });
        } else {
            this.#unwatch?.();
            this.#unwatch = undefined;
        }
    }
}

/** Return the path of a location, without its query. */
function pathOf(location = ''): string | undefined {
    return location.split('?')[0];
}
