import * as React from 'react';
import { engineOf } from '../engine/engines';
import type { Run } from '../engine/state/run';
import { isFinal } from '../engine/wire/snapshot';
import { useDashStore } from './hooks';
import { nameOf, type Labels } from './labels';
import type { Shows } from './parts';

type Props = {
    run: Run;
    labels: Labels;
    shows: Shows;
};

/** The buttons that a job offers in its state. */
export function Actions({ run, labels, shows }: Props) {
    const dashStore = useDashStore();
    const { id, status, request, output, retrying } = run;
    const button = (
        name: 'cancel' | 'retry' | 'visit',
        isOffered: boolean,
        onClick: () => void,
        isBusy = false,
    ) =>
        shows(name) &&
        isOffered && (
            <button
                type="button"
                aria-label={`${labels[name]}: ${nameOf(run.name, labels)}`}
                // Unlike `disabled`, this keeps the focus.
                aria-disabled={isBusy}
                onClick={onClick}
            >
                {labels[name]}
            </button>
        );
    const isLive = !isFinal(status);
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
            {button('visit', hasResult && output !== null, () => {
                engineOf(dashStore).visit(id);
            })}
        </span>
    );
}
