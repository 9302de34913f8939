import type { Id } from '../wire/id';
import type { Bar, JobError, LogLine, Queue, Status } from '../wire/snapshot';
import type { Payload } from '../page/dashState';

/** Seconds that a job must have run before its pace tells anything. */
const LEAST_PACE = 1;

/** What people see of a job. Never changed: replaced by another. */
export type Run = {
    /** Tells it from other runs, here and after a reload. */
    readonly id: string;
    /** The task's name, as `module.function`. */
    readonly name: string;
    /** The component that shows it; none after a reload once it has ended. */
    readonly view: Id | null;
    /** Where it was started: the path and query of the page. */
    readonly location: string;
    /** The component that its result goes to. */
    readonly output: Id | null;
    readonly status: Status;
    /** Seconds since it began to run, as they were at `at`. */
    readonly elapsed?: number | undefined;
    /** By the page's clock, in milliseconds. */
    readonly at: number;
    readonly bars: readonly Bar[];
    /** What `elapsed` was when the bars moved. */
    readonly reported: number;
    /** Seconds that the task typically takes. */
    readonly estimate?: number | undefined;
    readonly queue?: Queue | undefined;
    readonly log: readonly LogLine[];
    readonly error?: JobError | undefined;
    /** Its result was there already: how long it had taken, and how old it is. */
    readonly cached?: { duration: number; age: number } | undefined;
    /** What to send to run it again. */
    readonly request?: Payload | undefined;
    /** It is being started again. */
    readonly retrying?: boolean;
    /** Not in the list of jobs any more. */
    readonly cleared?: boolean;
};

/** A run that has done nothing yet, but for what is given. */
export function newRun(
    given: Partial<Run> & Pick<Run, 'id' | 'name' | 'location' | 'output'>,
): Run {
    return {
        view: null,
        status: 'queued',
        at: performance.now(),
        bars: [],
        reported: 0,
        log: [],
        ...given,
    };
}

export function elapsedOf(run: Run, now: number): number | undefined {
    return run.elapsed !== undefined && run.status === 'running'
        ? run.elapsed + (now - run.at) / 1000
        : run.elapsed;
}

/** The share of the job that is done, from 0 to 1, if that is known. */
export function shareOf(run: Run): number | undefined {
    if (run.status === 'succeeded') {
        return 1;
    }
    return run.bars[0] && shareOfBar(run.bars[0]);
}

export function shareOfBar([value, total]: Bar): number | undefined {
    return total === null || total <= 0
        ? undefined
        : Math.min(1, Math.max(0, value / total));
}

/**
 * The seconds that are left, if there is anything to tell it from: the job's own
 * pace, or how long its task typically takes.
 */
export function etaOf(run: Run, now: number): number | undefined {
    const elapsed = elapsedOf(run, now);
    if (run.status !== 'running' || elapsed === undefined) {
        return undefined;
    }
    const share = shareOf(run);
    if (share && run.reported >= LEAST_PACE) {
        const left = run.reported / share - elapsed;
        // Once that is over the job is slower than it was, at least so much.
        return left > 0 ? left : elapsed / share - elapsed;
    }
    const left = (run.estimate ?? 0) - elapsed;
    return left > 0 ? left : undefined;
}
