import type { Bar } from '../wire/snapshot';
import type { Run } from './run';

/** Seconds that a job must have run before its pace says anything. */
const LEAST_PACE = 1;

/** Milliseconds that a start may take before the job counts as queued. */
const STARTING_MS = 5000;

/** Whether a queued job waits for no other job, only for its worker. */
export function isStarting({ status, queue, at }: Run, now: number): boolean {
    return (
        status === 'queued' &&
        (queue ? queue.wait === 0 : now - at < STARTING_MS)
    );
}

/** Seconds since the job began to run. */
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

/** The share that this attempt has done, of all that it has to do. */
function shareSinceStart([value, total, text, { start = 0 } = {}]: Bar) {
    return shareOfBar([value - start, total && total - start, text]);
}

/**
 * Estimate the seconds that are left, from the job's own pace or from how long its
 * task usually takes. Undefined without either, and while people have to answer.
 */
export function etaOf(run: Run, now: number): number | undefined {
    const elapsed = elapsedOf(run, now);
    if (run.status !== 'running' || run.question || elapsed === undefined) {
        return undefined;
    }
    const share = run.bars[0] && shareSinceStart(run.bars[0]);
    if (share && run.reported >= LEAST_PACE) {
        const left = run.reported / share - elapsed;
        // Past that time the job is slower than it was: extrapolate from now.
        return left > 0 ? left : elapsed / share - elapsed;
    }
    const left = (run.estimate ?? 0) - elapsed;
    return left > 0 ? left : undefined;
}
