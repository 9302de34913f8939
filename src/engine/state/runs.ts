import type { Handle } from '../wire/handle';
import { stringifyId, type Id } from '../wire/id';
import { Listeners } from './listeners';
import type { Memory } from './tabStorage';
import { elapsedOf, newRun, type Run } from './run';
import {
    isFinal,
    type JobError,
    type LogLine,
    type Snapshot,
    type Status,
} from '../wire/snapshot';
import type { Payload } from '../page/dashState';

const LOG_LINES = 100;
const ENDED_RUNS = 50;

/** Where and how a job was started. */
export type Origin = { location: string; request: Payload | undefined };

/**
 * What is kept of a run across a reload: what a list shows of it, and not what it was
 * started with, which may be a secret, or large.
 */
type Memo = Pick<
    Run,
    'id' | 'name' | 'location' | 'output' | 'status' | 'elapsed'
>;

/**
 * What people see of the page's jobs.
 *
 * It holds whether or not a component that shows it is on the page.
 */
export class Runs {
    readonly #memory: Memory<Memo>;
    /** In the order in which they began. */
    readonly #runs = new Map<string, Run>();
    /** The one that each component shows. */
    #shown = new Map<string, Run>();
    readonly #counts = new Map<string, number>();
    readonly #listeners = new Listeners();
    #changed = false;
    readonly watch = this.#listeners.watch;
    /** The runs to list, in the order in which they began. */
    listed: readonly Run[] = [];

    constructor(memory: Memory<Memo>) {
        this.#memory = memory;
        for (const memo of memory.recall()) {
            this.#put(newRun(memo));
        }
    }

    get(id: string): Run | undefined {
        return this.#runs.get(id);
    }

    /** What a component shows: the run that was started last. */
    of(view: Id): Run | undefined {
        return this.#shown.get(stringifyId(view));
    }

    /** How many runs there were for a component to show. */
    countOf(view: Id): number {
        return this.#counts.get(stringifyId(view)) ?? 0;
    }

    begin(handle: Handle, { location, request }: Origin): void {
        const { run: id, name = '', view = null, outputs, cached } = handle;
        if (view) {
            this.#counts.set(stringifyId(view), this.countOf(view) + 1);
        }
        this.#put(
            newRun({
                id,
                name,
                view,
                // It may have begun on another page, before this one was loaded.
                location: this.#runs.get(id)?.location ?? location,
                output: outputs[0]?.[0] ?? null,
                status: cached ? 'succeeded' : 'queued',
                elapsed: cached?.duration,
                cached,
                request,
            }),
        );
    }

    /** Takes in what is new of a run; its end shows when its result does. */
    report(id: string, snapshot: Snapshot): void {
        const run = this.#runs.get(id);
        if (run) {
            const { bars, queue, estimate, log = [] } = snapshot;
            const status = isFinal(snapshot.status)
                ? run.status
                : snapshot.status;
            const clock = clockOf(run, status, snapshot.elapsed);
            const next = { ...run, ...clock, status };
            this.#put({
                ...next,
                bars: bars ?? run.bars,
                reported: bars
                    ? (elapsedOf(next, performance.now()) ?? 0)
                    : run.reported,
                estimate: estimate ?? run.estimate,
                queue: status === 'queued' ? (queue ?? run.queue) : undefined,
                log: joined(run.log, log),
            });
        }
    }

    end(id: string, status: Status, error?: JobError): void {
        const run = this.#runs.get(id);
        if (run) {
            const now = performance.now();
            const elapsed = elapsedOf(run, now);
            const end = { status, elapsed, at: now, error };
            this.#put({ ...run, ...end, queue: undefined });
        }
    }

    /** Notes that a run is being started again, or why it could not be. */
    retry(id: string, retrying: boolean, error?: JobError): void {
        const run = this.#runs.get(id);
        if (run) {
            this.#put({ ...run, retrying, error: error ?? run.error });
            this.flush();
        }
    }

    /** Drops a run that another has replaced. */
    forget(id: string): void {
        this.#changed = this.#runs.delete(id) || this.#changed;
    }

    /** Drops the live runs that nobody follows any more: a reload has lost them. */
    retain(live: string[]): void {
        for (const { id, status } of this.#runs.values()) {
            if (!isFinal(status) && !live.includes(id)) {
                this.forget(id);
            }
        }
    }

    /** Takes the runs that have ended off the list. */
    clear(): void {
        for (const run of this.listed) {
            if (isFinal(run.status)) {
                this.#put({ ...run, cleared: true });
            }
        }
        this.flush();
    }

    /** Tells of all changes at once. */
    flush(): void {
        if (this.#changed) {
            this.#changed = false;
            this.#choose();
            this.#prune();
            this.listed = [...this.#runs.values()].filter(
                ({ cleared }) => !cleared,
            );
            this.#memory.keep(this.listed.map(memoOf));
            this.#listeners.tell();
        }
    }

    #put(run: Run): void {
        this.#runs.set(run.id, run);
        this.#changed = true;
    }

    #choose(): void {
        this.#shown = new Map();
        for (const run of this.#runs.values()) {
            const { view, status } = run;
            if (view) {
                // One that waits behind another has not been started yet.
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
        const ended = [...this.#runs.values()].filter(
            (run) => isFinal(run.status) && !shown.has(run),
        );
        const excess = ended.length - ENDED_RUNS;
        for (const [index, { id, cleared }] of ended.entries()) {
            if (index < excess || cleared) {
                this.#runs.delete(id);
            }
        }
    }
}

function memoOf({ id, name, location, output, status, elapsed }: Run): Memo {
    return {
        id,
        name,
        location,
        output,
        status,
        elapsed: isFinal(status) ? elapsed : undefined,
    };
}

/** By the server's clock, as far as it tells, and by the page's from there. */
function clockOf(
    run: Run,
    status: Status,
    elapsed: number | undefined,
): Pick<Run, 'elapsed' | 'at'> {
    if (elapsed === undefined) {
        if (run.elapsed !== undefined || status !== 'running') {
            return run;
        }
        elapsed = 0;
    }
    return { elapsed, at: performance.now() };
}

function joined(old: Run['log'], lines: LogLine[]): Run['log'] {
    const last = old.at(-1)?.[0] ?? 0;
    const added = lines.filter(([number]) => number > last);
    return added.length > 0 ? [...old, ...added].slice(-LOG_LINES) : old;
}
