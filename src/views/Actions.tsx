import * as React from 'react';
import { engineOf } from '../engine/engines';
import type { Run } from '../engine/state/run';
import { isFinal } from '../engine/wire/snapshot';
import { useStore } from './hooks';
import { nameOf, type Labels } from './labels';
import type { Shows } from './parts';

type Props = {
    run: Run;
    labels: Labels;
    shows: Shows;
};

/** What can be done with a job where it stands. */
export function Actions({ run, labels, shows }: Props) {
    const store = useStore();
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
                // Not `disabled`, which would take the focus from it.
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
                engineOf(store).cancelRun(id);
            })}
            {button(
                'retry',
                !isLive && !hasResult && request !== undefined,
                () => void engineOf(store).retry(id),
                retrying,
            )}
            {button('visit', hasResult && output !== null, () => {
                engineOf(store).visit(id);
            })}
        </span>
    );
}
