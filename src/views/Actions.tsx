import React from 'react';
import type { Run } from '../engine/run';
import { isFinal } from '../engine/snapshot';
import { useEngine } from './hooks';
import { nameOf, type Labels } from './labels';

type Props = {
    run: Run;
    labels: Labels;
    canCancel: boolean;
    canRetry: boolean;
};

/** What can be done with a job where it stands. */
export function Actions({ run, labels, canCancel, canRetry }: Props) {
    const engine = useEngine();
    const { id, status, request, retrying } = run;
    const isLive = !isFinal(status);
    const name = nameOf(run.name, labels);
    return (
        <span className="long-job-actions">
            {canCancel && isLive && (
                <button
                    type="button"
                    aria-label={`${labels.cancel}: ${name}`}
                    onClick={() => {
                        engine().cancelRuns(id);
                    }}
                >
                    {labels.cancel}
                </button>
            )}
            {canRetry && !isLive && status !== 'succeeded' && request && (
                <button
                    type="button"
                    aria-label={`${labels.retry}: ${name}`}
                    // Not `disabled`, which would take the focus from it.
                    aria-disabled={retrying}
                    onClick={() => {
                        void engine().retry(id);
                    }}
                >
                    {labels.retry}
                </button>
            )}
        </span>
    );
}
