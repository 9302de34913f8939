import * as React from 'react';
import type { JobError } from '../engine/wire/snapshot';
import type { Labels } from './labels';

type Props = { error: JobError; labels: Labels };

/** Why a job ended without a result. The traceback comes in debug mode only. */
export function Failure({ error, labels }: Props) {
    const { type, message, traceback } = error;
    return (
        <div className="long-job-error">
            <strong>{type}</strong>
            {message && `: ${message}`}
            {traceback && (
                <details>
                    <summary>{labels.details}</summary>
                    <pre tabIndex={0} aria-label={labels.details} role="region">
                        {traceback}
                    </pre>
                </details>
            )}
        </div>
    );
}
