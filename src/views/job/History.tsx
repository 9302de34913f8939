import * as React from 'react';
import { elapsedOf } from '../../engine/state/progress';
import type { Run } from '../../engine/state/run';
import { formatExactTime } from '../texts/format';
import { fill, type Labels } from '../texts/labels';

/** Of a column in the drawing. */
const WIDTH = 4;
const HEIGHT = 20;

type Props = { run: Run; now: number; labels: Labels };

/** How long the last runs of the task took, and this one so far: a sparkline. */
export function History({ run, now, labels }: Props) {
    const { durations = [], estimate } = run;
    if (durations.length === 0) {
        return null;
    }
    const all = [...durations, elapsedOf(run, now) ?? 0];
    const most = Math.max(...all);
    const text = (seconds: number) => formatExactTime(seconds, labels);
    return (
        <div className="long-job-history">
            <svg
                width={all.length * WIDTH}
                height={HEIGHT}
                aria-hidden
                focusable={false}
            >
                {all.map((seconds, index) => {
                    const height = Math.max(1, (seconds / most || 0) * HEIGHT);
                    return (
                        <rect
                            key={index}
                            className={
                                index < durations.length
                                    ? undefined
                                    : 'long-job-now'
                            }
                            x={index * WIDTH}
                            y={HEIGHT - height}
                            width={WIDTH - 1}
                            height={height}
                        />
                    );
                })}
            </svg>
            {fill(labels.history, {
                least: text(Math.min(...durations)),
                most: text(Math.max(...durations)),
                time: text(estimate ?? 0),
            })}
        </div>
    );
}
