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
    result?: Result;
    /** Of component libraries that the page must load before it shows the result. */
    files?: Library[];
    error?: JobError;
};
