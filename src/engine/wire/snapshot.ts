import type { Library } from '../page/libraries';
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

export function isFinal(status: Status): boolean {
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

/** How far a job, or one of its loops, is; without a total, how many were done. */
export type Bar = [value: number, total: number | null, text: string | null];

/** A line that a job has logged, and its number from 1. */
export type LogLine = [number: number, text: string];

export type Queue = {
    /** 1 is next. */
    position: number;
    /** Estimated seconds until the job starts. */
    wait: number | null;
};

/** Dash's own answer to a callback. */
export type Result = {
    response?: PropsById;
    sideUpdate?: PropsById;
};

/** What one read of a job shows: what is newer than the reader's cursor. */
export type Snapshot = {
    cursor: number;
    status: Status;
    /** Seconds for which no worker has taken it up, while it is queued. */
    waiting?: number;
    progress?: Update[];
    /** What `set_props` in the job has set, in order. */
    props?: Update[];
    /** Seconds since the function began. */
    elapsed?: number;
    /** The job's own bar, then those of the loops inside it. */
    bars?: Bar[];
    log?: LogLine[];
    /** While the job is queued; comes without a change of the cursor, too. */
    queue?: Queue;
    /** Seconds that the task typically takes; comes with the first running one. */
    estimate?: number | null;
    result?: Result;
    /** Of component libraries that the page must load before it shows the result. */
    files?: Library[];
    error?: JobError;
};
