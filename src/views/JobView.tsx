import * as React from 'react';
import { shareOf, shareOfBar } from '../engine/state/progress';
import type { Run } from '../engine/state/run';
import { isTerminal } from '../engine/wire/snapshot';
import { Actions } from './Actions';
import { Bar } from './Bar';
import { Facts } from './Facts';
import { Failure } from './Failure';
import { formatTime } from './format';
import { fill, type Labels } from './labels';
import type { Shows } from './parts';
import {
    barText,
    countOf,
    elapsedText,
    etaText,
    join,
    ownCountOf,
    percentOf,
    queueTexts,
    rateOf,
    statusText,
    stepText,
} from './runTexts';
import { useScript } from './useScript';

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
    const { run, shows, labels } = props;
    const hasSteps = shows('steps') && run.steps.length > 0;
    const hasHistory = shows('history') && run.durations !== undefined;
    const hasLog = shows('log') && run.log.length > 0;
    const details = useScript('details', hasSteps || hasHistory || hasLog);
    return (
        <>
            <Headline {...props} />
            {shows('bar') && <Bars {...props} />}
            {hasSteps && details && <details.Steps {...props} />}
            <Footnote {...props} />
            {shows('queue') && run.hint && (
                <div className="long-job-hint">{run.hint}</div>
            )}
            {shows('error') && run.error && (
                // Another run's error starts folded.
                <Failure key={run.id} run={run} labels={labels} />
            )}
            {hasHistory && details && <details.History {...props} />}
            {hasLog && details && <details.Log {...props} />}
        </>
    );
}

function Headline({ run, name, now, shows, labels }: JobViewProps) {
    const { status, cached } = run;
    const [bar] = run.bars;
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
            {shows('cached') && cached && (
                <span className="long-job-badge">{labels.cached}</span>
            )}
            {shows('bar') && isLive && text && (
                <span className="long-job-text">{text}</span>
            )}
            <Facts facts={numbers} className="long-job-numbers" />
        </div>
    );
}

function Bars({ run, name, now, labels }: JobViewProps) {
    const { status, bars } = run;
    const share = status === 'queued' ? 0 : shareOf(run);
    if (isTerminal(status) && share === undefined) {
        return null;
    }
    const loops = status === 'running' ? bars.slice(1) : [];
    return (
        <>
            <Bar share={share} label={name} text={barText(run, now, labels)} />
            {loops.map((bar, index) => {
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
