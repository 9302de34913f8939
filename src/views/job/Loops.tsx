import * as React from 'react';
import { shareOfBar } from '../../engine/state/progress';
import type { Run } from '../../engine/state/run';
import { Bar } from './Bar';
import { Facts } from './Facts';
import type { Labels } from '../texts/labels';
import { countOf, join, percentOf } from '../texts/runTexts';

type Props = { run: Run; name: string; labels: Labels };

/** The bars of the loops inside a job, below its own bar. */
export function Loops({ run, name, labels }: Props) {
    return (
        <>
            {run.bars.slice(1).map((bar, index) => {
                const facts = [countOf(bar, labels), percentOf(bar, labels)];
                return (
                    <div key={index} className="long-job-loop">
                        <span className="long-job-text">{bar[2]}</span>
                        <Facts facts={facts} className="long-job-numbers" />
                        <Bar
                            share={shareOfBar(bar)}
                            label={bar[2] ?? name}
                            text={join(...facts)}
                        />
                    </div>
                );
            })}
        </>
    );
}
