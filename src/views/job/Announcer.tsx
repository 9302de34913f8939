import * as React from 'react';
import type { Run } from '../../engine/state/run';
import { nameOf, type Labels } from '../texts/labels';
import { milestoneOf } from '../texts/runTexts';

type Props = { run: Run | undefined; now: number; labels: Labels };

/** Announces milestones to screen readers, and nothing in between. */
export function Announcer({ run, now, labels }: Props) {
    return (
        <span className="long-job-announcer" role="status">
            {run && `${nameOf(run, labels)}: ${milestoneOf(run, now, labels)}`}
        </span>
    );
}
