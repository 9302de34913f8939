import * as React from 'react';
import { shareOf } from '../../engine/state/progress';
import type { Run } from '../../engine/state/run';
import { isTerminal } from '../../engine/wire/snapshot';
import { Actions } from './Actions';
import { Bar } from './Bar';
import { Facts } from './Facts';
import { formatTime } from '../texts/format';
import { fill, type Labels } from '../texts/labels';
import type { Shows } from './parts';
import {
    barText,
    cachedText,
    elapsedText,
    errorText,
    etaText,
    join,
    ownCountOf,
    percentOf,
    queueTexts,
    rateOf,
    statusText,
    stepText,
} from '../texts/runTexts';
import { useScript } from '../hooks/useScript';

export type JobViewProps = {
    run: Run;
    /** The job's name, different from those of other jobs in a list. */
    name: string;
    /** The time since it began, in words. */
    ago?: string;
    now: number;
    shows: Shows;
    labels: Labels;
    /** The label of the connection's state, unless it is online. */
    connection: string;
};

/** A job: its status, progress, error and log, with buttons. */
export function JobView(props: JobViewProps) {
    const { run, shows } = props;
    const question = shows('question') && run.question;
    const hasLoops =
        shows('bar') && run.status === 'running' && run.bars.length > 1;
    const hasSteps = shows('steps') && run.steps.length > 0;
    const hasError = shows('error') && run.error !== undefined;
    const hasHistory = shows('history') && run.durations !== undefined;
    const hasLog = shows('log') && run.log.length > 0;
    const details = useScript(
        'details',
        hasLoops || hasSteps || hasError || hasHistory || hasLog || !!question,
    );
    return (
        <>
            <Headline {...props} />
            {shows('bar') && <OwnBar {...props} />}
            {hasLoops && details && <details.Loops {...props} />}
            {hasSteps && details && <details.Steps {...props} />}
            <Footnote {...props} />
            {shows('queue') && run.hint && (
                <div className="long-job-hint">{run.hint}</div>
            )}
            {question && details && (
                // Another question's form is a new one.
                <details.Question
                    key={run.id + question.id}
                    question={question}
                    {...props}
                />
            )}
            {hasError &&
                (details ? (
                    // Another run's error starts folded.
                    <details.Failure key={run.id} {...props} />
                ) : (
                    // An error may say that the server is away, with the script.
                    <div className="long-job-error">{errorText(run)}</div>
                ))}
            {hasHistory && details && <details.History {...props} />}
            {hasLog && details && <details.Log {...props} />}
        </>
    );
}

function Headline({ run, name, now, shows, labels }: JobViewProps) {
    const { status } = run;
    const [bar] = run.bars;
    const cached = shows('cached') && cachedText(run, labels);
    const isLive = !isTerminal(status);
    const step = !shows('steps') && stepText(run, labels);
    const text = join(step, bar?.[2] ?? '');
    const numbers = [
        shows('count') && ownCountOf(run, labels),
        shows('percent') && isLive && bar && percentOf(bar, labels),
        shows('rate') && rateOf(run, labels),
    ];
    return (
        <div className="long-job-line">
            {shows('name') && <span className="long-job-name">{name}</span>}
            {shows('status') && (
                <span className="long-job-status">
                    {statusText(run, now, labels)}
                </span>
            )}
            {cached && <span className="long-job-badge">{cached}</span>}
            {shows('bar') && isLive && text && (
                <span className="long-job-text">{text}</span>
            )}
            <Facts facts={numbers} className="long-job-numbers" />
        </div>
    );
}

function OwnBar({ run, name, now, labels }: JobViewProps) {
    const share = run.status === 'queued' ? 0 : shareOf(run);
    return isTerminal(run.status) && share === undefined ? null : (
        <Bar share={share} label={name} text={barText(run, now, labels)} />
    );
}

function Footnote(props: JobViewProps) {
    const { run, name, ago, now, shows, labels, connection } = props;
    const { status, cached } = run;
    const facts = [
        // The elapsed time of a running job says the same.
        status !== 'running' && ago,
        shows('elapsed') && elapsedText(run, now, labels),
        // Without the server's answers an estimate would be stale.
        shows('eta') && !connection && etaText(run, now, labels),
        ...(shows('queue') ? queueTexts(run, now, labels) : []),
        shows('cached') &&
            cached &&
            fill(labels.saved, { time: formatTime(cached.duration, labels) }),
        shows('connection') && !isTerminal(status) && connection,
    ];
    return (
        <div className="long-job-line">
            <Facts facts={facts} className="long-job-facts" />
            <Actions run={run} name={name} labels={labels} shows={shows} />
        </div>
    );
}
