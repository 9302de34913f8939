import { useEffect, useRef } from 'react';
import { engineOf } from '../../engine/engines';
import type { Id } from '../../engine/wire/id';
import { elapsedOf, etaOf, shareOf } from '../../engine/state/progress';
import type { Run } from '../../engine/state/run';
import { useDashStore } from '../hooks/hooks';

/** The properties of a view that callbacks may read. */
export type Published = {
    status?: string;
    progress?: number;
    elapsed?: number;
    eta?: number;
    queue_position?: number;
    question?: string;
    error?: object;
    log?: string[];
    stale?: number;
    connection?: string;
    job_id?: string;
    n_runs?: number;
};

/**
 * Set a view's properties for callbacks to read.
 *
 * Sets all of them when the job starts or ends. In between, sets only those that a
 * callback reads, at most once a second.
 */
export function usePublished(
    id: Id,
    run: Run | undefined,
    now: number,
    connection: string,
    setProps: (props: Published) => void,
): void {
    const dashStore = useDashStore();
    const last = useRef<{ run: Run; now: number }>(undefined);

    useEffect(() => {
        if (!run) {
            return;
        }
        const before = last.current;
        const isMilestone =
            before?.run.id !== run.id ||
            before.run.status !== run.status ||
            before.run.error !== run.error ||
            before.run.stale !== run.stale;
        if (!isMilestone && before.now === now) {
            return;
        }
        last.current = { run, now };
        const props = {
            ...publishedOf(run, now),
            connection,
            n_runs: engineOf(dashStore).runs.countOf(id),
        };
        const read = Object.entries(props).filter(
            ([name]) => isMilestone || engineOf(dashStore).isRead(id, name),
        );
        if (read.length > 0) {
            setProps(Object.fromEntries(read));
        }
    });
}

function publishedOf(run: Run, now: number) {
    const { id, status, error = null, queue, question, log, stale } = run;
    return {
        job_id: id,
        status,
        progress: inSteps(shareOf(run), 1000, Math.round),
        elapsed: inSteps(elapsedOf(run, now), 1, Math.floor),
        eta: inSteps(etaOf(run, now), 1, Math.ceil),
        queue_position: queue?.position ?? null,
        question: question?.text ?? null,
        error,
        log: log.map(([, text]) => text),
        stale: stale?.age ?? null,
    };
}

/** Round a number to a multiple of 1 / steps; null if there is none. */
function inSteps(
    value: number | undefined,
    steps: number,
    round: (value: number) => number,
): number | null {
    return value === undefined ? null : round(value * steps) / steps;
}
