import type { CallbackRequest } from '../wire/callbackRequest';
import type { Handle } from '../wire/handle';
import type { Id } from '../wire/id';
import type {
    Bar,
    JobError,
    LogLine,
    Question,
    Queue,
    Status,
    Step,
} from '../wire/snapshot';

/**
 * What people see of one trigger of a callback: of its job, its cached result or its
 * failed start. A run never changes; another one replaces it.
 */
export type Run = {
    /** Distinguishes the run from others, also after a reload. */
    readonly id: string;
    /** Names its job to the server. A cached result or a failed start has none. */
    readonly token?: string | undefined;
    /** The task's name, as `module.function`. */
    readonly name: string;
    /** The job's own name for people; empty for its task's. */
    readonly title?: string | undefined;
    /** The component that shows it. Null for a run that ended before a reload. */
    readonly view: Id | null;
    /** The path and query of the page on which it was started. */
    readonly location: string;
    /** The properties that get its result. */
    readonly outputs: Handle['outputs'];
    /** Ids of the buttons that start such a run. */
    readonly buttons: readonly string[];
    readonly status: Status;
    /** When the page learnt of it: milliseconds since 1970. */
    readonly began: number;
    /** Seconds since the job began to run, as of `at`. */
    readonly elapsed?: number | undefined;
    /** By the page's clock, in milliseconds. */
    readonly at: number;
    readonly bars: readonly Bar[];
    /** What `elapsed` was when the bars last moved. */
    readonly reported: number;
    readonly steps: readonly Step[];
    /** Number of steps that the job has named in advance. */
    readonly planned: number;
    /** Seconds that the task usually takes. */
    readonly estimate?: number | undefined;
    /** Seconds that its last runs took, the oldest first. */
    readonly durations?: readonly number[] | undefined;
    readonly queue?: Queue | undefined;
    /** What it asks, while it waits for an answer. */
    readonly question?: Question | undefined;
    /** What people can do about a job that waits for long. */
    readonly hint?: string | undefined;
    readonly log: readonly LogLine[];
    readonly error?: JobError | undefined;
    /** The result came from the cache: how long it took once, and its age; in s. */
    readonly cached?: { duration: number; age: number } | undefined;
    /** The outputs show an old result, which the job refreshes: its age at first; in s. */
    readonly stale?: { age: number } | undefined;
    /** The request that starts it again. */
    readonly request?: CallbackRequest | undefined;
    /** The server can't reach its job now, though it reports on others. */
    readonly isUnreachable?: boolean;
    /** The page is starting it again. */
    readonly retrying?: boolean;
    /** The user has cleared it from the list of jobs. */
    readonly cleared?: boolean;
};

/** Return a run in its initial state, except for what is given. */
export function newRun(
    given: Partial<Run> & Pick<Run, 'id' | 'name' | 'location'>,
): Run {
    return {
        view: null,
        outputs: [],
        status: 'queued',
        began: Date.now(),
        at: performance.now(),
        bars: [],
        reported: 0,
        buttons: [],
        steps: [],
        planned: 0,
        log: [],
        ...given,
    };
}

/** Return the component that shows the result of a run; null if there is none. */
export function outputOf({ outputs }: Pick<Run, 'outputs'>): Id | null {
    return outputs[0]?.[0] ?? null;
}
