import type { Library } from './library';
import type { PropsById, Update } from './update';

export type Status =
    | 'queued'
    | 'running'
    | 'succeeded'
    | 'failed'
    | 'cancelled'
    | 'timed_out'
    | 'lost'
    | 'rejected';

export function isTerminal(status: Status): boolean {
    return status !== 'queued' && status !== 'running';
}

/** Why a job ended without a result. */
export type JobError = {
    type: string;
    message: string;
    /** Sent in debug mode only. */
    traceback?: string;
    task?: string;
};

/** The progress of a job or of a loop in it. Without a total, the number of steps done. */
export type Bar = [value: number, total: number | null, text: string | null];

/** A line that a job has logged, and its number, counted from 1. */
export type LogLine = [number: number, text: string];

export type Queue = {
    /** 1 is next. */
    position: number;
    /** Estimated seconds until the job starts; 0 if no other job is ahead of it. */
    wait: number | null;
};

/** Dash's own answer to a callback. */
export type Result = {
    response?: PropsById;
    sideUpdate?: PropsById;
};

/** The news of a job for one reader: everything newer than its cursor. */
export type Snapshot = {
    cursor: number;
    status: Status;
    /** Seconds for which a queued job has waited for a worker. */
    waiting?: number;
    progress?: Update[];
    /** What `set_props` in the job has set, in order. */
    props?: Update[];
    /** Seconds since the function began. */
    elapsed?: number;
    /** The job's own bar, then the bars of its loops. */
    bars?: Bar[];
    log?: LogLine[];
    /** The name for people that the job has chosen since; "" for its task's. */
    title?: string;
    /** Present while the job is queued, even if the cursor has not changed. */
    queue?: Queue;
    /** What people can do about a job that waits for long; "" if nothing. */
    hint?: string;
    /** Seconds that the task usually takes; sent with the first running snapshot. */
    estimate?: number | null;
    result?: Result;
    /** Library files to load before the page shows the result. */
    files?: Library[];
    error?: JobError;
};
