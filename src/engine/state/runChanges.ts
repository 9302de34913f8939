import {
    isTerminal,
    type JobError,
    type LogLine,
    type Snapshot,
    type Status,
} from '../wire/snapshot';
import { elapsedOf } from './progress';
import type { Run } from './run';

/** As many lines as the server stores: `MAX_LINES` in `core/lines.py`. */
const LOG_LINES = 100;

/** Add what a snapshot reports. A final status shows only together with its result. */
export function withSnapshot(run: Run, snapshot: Snapshot): Run {
    const { bars, steps, queue, hint, title, question, log = [] } = snapshot;
    const { estimate, durations } = snapshot;
    const status = isTerminal(snapshot.status) ? run.status : snapshot.status;
    const next = { ...run, ...clockOf(run, status, snapshot.elapsed), status };
    return {
        ...next,
        title: title ?? run.title,
        question,
        bars: bars ?? run.bars,
        steps: steps ?? run.steps,
        reported: bars
            ? (elapsedOf(next, performance.now()) ?? 0)
            : run.reported,
        estimate: estimate ?? run.estimate,
        durations: durations ?? run.durations,
        queue: status === 'queued' ? (queue ?? run.queue) : undefined,
        hint: status === 'queued' ? (hint ?? run.hint) : undefined,
        log: joined(run.log, log),
    };
}

export function ended(run: Run, status: Status, error?: JobError): Run {
    const at = performance.now();
    const elapsed = elapsedOf(run, at);
    return {
        ...run,
        status,
        elapsed,
        at,
        error,
        question: undefined,
        queue: undefined,
        isUnreachable: false,
        hint: undefined,
    };
}

/** The server's clock counts, if it tells; between its answers the page's does. */
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
