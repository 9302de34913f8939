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
export type Bar = [
    value: number,
    total: number | null,
    text: string | null,
    extras?: BarExtras,
];

export type BarExtras = {
    /** Unit of the numbers. */
    unit?: string;
    /** 1000 or 1024 for numbers with prefixes. */
    base?: number | undefined;
    /** Units a second. */
    rate?: number;
    /** Its first value, where another attempt goes on. */
    start?: number;
};

/** A named part of a job. */
export type Step = [
    /** Null for earlier steps that had no room. */
    name: string | null,
    /** The number of steps that it is in. */
    depth: number,
    status: 'to_come' | 'running' | 'done' | 'failed',
    /** How long it took; of a running one, its start in seconds since the job's. */
    seconds: number,
    /** The number of its runs, or of earlier steps. */
    count: number,
];

/** A line that a job has logged. */
export type LogLine = [
    /** Counted from 1. */
    number: number,
    text: string,
    /** Seconds since 1970. */
    time?: number,
    /** As in Python: 30 is a warning. None is 20, for information. */
    level?: number,
];

export type Queue = {
    /** 1 is next; 0 between two attempts. */
    position: number;
    /** Estimated seconds until the job starts; 0 if no other job is ahead of it. */
    wait: number | null;
    /** The next attempt of a job that is tried again. */
    attempt?: [number: number, total: number];
};

/** What a running job asks. */
export type Question = {
    /** Tells it from the other questions of the job. */
    id: string;
    text: string;
    /** The answers that count; empty if any text does. */
    choices: string[];
    /** The answer when its time is over. */
    default: string | null;
    /** Seconds until then; null for no limit. */
    left: number | null;
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
    steps?: Step[];
    log?: LogLine[];
    /** The name for people that the job has chosen since; "" for its task's. */
    title?: string;
    /** Present in all news while the job waits for an answer. */
    question?: Question;
    /** Present while the job is queued, even if the cursor has not changed. */
    queue?: Queue;
    /** What people can do about a job that waits for long; "" if nothing. */
    hint?: string;
    /** Seconds that the task usually takes; sent with the first running snapshot. */
    estimate?: number | null;
    /** Seconds that its last runs took, the oldest first; sent together with it. */
    durations?: number[];
    result?: Result;
    /** Library files to load before the page shows the result. */
    files?: Library[];
    error?: JobError;
};
