import * as React from 'react';
import { engineOf } from '../../engine/engines';
import { outputOf, type Run } from '../../engine/state/run';
import { isTerminal } from '../../engine/wire/snapshot';
import { useDashStore } from '../hooks/hooks';
import type { Labels } from '../texts/labels';
import type { Shows } from './parts';

type Props = {
    run: Run;
    /** The job's name, different from those of other jobs in a list. */
    name: string;
    labels: Labels;
    shows: Shows;
};

/** The buttons that a job offers in its state. */
export function Actions({ run, name, labels, shows }: Props) {
    const dashStore = useDashStore();
    const { id, status, request, retrying } = run;
    const button = (
        action: 'cancel' | 'retry' | 'visit',
        isOffered: boolean,
        onClick: () => void,
        isBusy = false,
    ) =>
        shows(action) &&
        isOffered && (
            <button
                type="button"
                aria-label={`${labels[action]}: ${name}`}
                // Unlike `disabled`, this keeps the focus.
                aria-disabled={isBusy}
                onClick={onClick}
            >
                {labels[action]}
            </button>
        );
    const isLive = !isTerminal(status);
    const hasResult = status === 'succeeded';
    return (
        <span className="long-job-actions">
            {button('cancel', isLive, () => {
                engineOf(dashStore).cancelRun(id);
            })}
            {button(
                'retry',
                !isLive && !hasResult && request !== undefined,
                () => void engineOf(dashStore).retry(id),
                retrying,
            )}
            {button('visit', hasResult && outputOf(run) !== null, () => {
                engineOf(dashStore).visit(id);
            })}
        </span>
    );
}
