import * as React from 'react';
import { useState } from 'react';
import { engineOf } from '../../engine/engines';
import { isTerminal } from '../../engine/wire/snapshot';
import type { UserJob } from '../../engine/wire/userJob';
import { copyText } from '../job/copyText';
import { useDashStore } from '../hooks/hooks';
import type { Labels } from '../texts/labels';
import { linkTo, openJob } from './userJobs';

type Props = {
    job: UserJob;
    /** The job's name, different from those of other jobs in the list. */
    name: string;
    labels: Labels;
    /** Another page has started the job: this one offers to cancel and to open it. */
    isElsewhere: boolean;
    /** Show what has changed. */
    refresh: () => void;
};

/** The buttons of a job of the user. Only the page that has started it can retry it. */
export function UserActions(props: Props) {
    const { job, name, labels, isElsewhere, refresh } = props;
    const { status } = job.snapshot;
    const engine = engineOf(useDashStore());
    const [isCopied, setCopied] = useState(false);
    const button = (text: string, onClick: () => void) => (
        <button type="button" aria-label={`${text}: ${name}`} onClick={onClick}>
            {text}
        </button>
    );
    const link = linkTo(job);
    const opens = status === 'succeeded' ? labels.visit : labels.open;
    return (
        <span className="long-job-actions">
            {isElsewhere &&
                !isTerminal(status) &&
                button(labels.cancel, () => {
                    // If it fails, the list still shows the job as live.
                    engine.client.cancel(job.tokens).then(refresh, refresh);
                })}
            {isElsewhere &&
                link &&
                button(opens, () => {
                    openJob(engine, job);
                })}
            {link &&
                button(isCopied ? labels.copied : labels.link, () => {
                    void copyText(link).then(setCopied);
                })}
        </span>
    );
}
