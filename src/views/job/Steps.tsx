import * as React from 'react';
import { elapsedOf } from '../../engine/state/progress';
import type { Run } from '../../engine/state/run';
import { isTerminal, type Step } from '../../engine/wire/snapshot';
import { formatExactTime, formatTime } from '../texts/format';
import { fill, type Labels } from '../texts/labels';

type Props = { run: Run; now: number; labels: Labels };

/** The steps of a job, each with its status and its time. */
export function Steps({ run, now, labels }: Props) {
    return (
        <ol className="long-job-steps">
            {run.steps.map((step, index) => {
                const [name, depth, , , count] = step;
                const status = statusOf(step, run);
                return (
                    <li
                        key={index}
                        className={`long-job-step-${status}`}
                        style={{ marginInlineStart: `${depth * 1.4}em` }}
                    >
                        <span className="long-job-step">
                            {name ?? fill(labels.earlier, { count })}
                            {name && count > 1 && (
                                <span className="long-job-times">×{count}</span>
                            )}
                        </span>
                        <span className="long-job-announcer">
                            {labels[status]}
                        </span>
                        <span className="long-job-numbers">
                            {timeOf(step, run, now, labels)}
                        </span>
                    </li>
                );
            })}
        </ol>
    );
}

/** A step that runs or is to come shares the end of its job. */
function statusOf([, , status]: Step, run: Run) {
    if (status === 'done') {
        return 'succeeded';
    }
    if (!isTerminal(run.status) || status === 'failed') {
        return status;
    }
    return status === 'to_come' ? 'skipped' : run.status;
}

function timeOf(
    [, , status, seconds]: Step,
    run: Run,
    now: number,
    labels: Labels,
): string {
    if (status === 'to_come') {
        return '';
    }
    if (status !== 'running') {
        return formatExactTime(seconds, labels);
    }
    const time = Math.max(0, (elapsedOf(run, now) ?? 0) - seconds);
    return isTerminal(run.status)
        ? formatExactTime(time, labels)
        : formatTime(time, labels);
}
