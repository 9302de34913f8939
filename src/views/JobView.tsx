import * as React from 'react';
import { elapsedOf, shareOf, shareOfBar } from '../engine/state/progress';
import type { Run } from '../engine/state/run';
import { isFinal } from '../engine/wire/snapshot';
import { Actions } from './Actions';
import { Bar } from './Bar';
import { Failure } from './Failure';
import { formatTime } from './format';
import { fill, nameOf, type Labels } from './labels';
import { Log } from './Log';
import type { Shows } from './parts';
import { barText, countOf, etaText, join, percentOf, queueText } from './words';

type Props = {
    run: Run;
    now: number;
    shows: Shows;
    labels: Labels;
    /** The label of the connection's state, unless it is online. */
    connection: string;
};

/** A job: its status, progress, error and log, with buttons. */
export function JobView(props: Props) {
    const { run, shows, labels } = props;
    return (
        <>
            <Headline {...props} />
            {shows('bar') && <Bars {...props} />}
            <Footnote {...props} />
            {shows('error') && run.error && (
                <Failure error={run.error} labels={labels} />
            )}
            {shows('log') && run.log.length > 0 && (
                <Log lines={run.log} labels={labels} />
            )}
        </>
    );
}

function Headline({ run, shows, labels }: Props) {
    const { name, status, cached } = run;
    const [bar] = run.bars;
    const isLive = !isFinal(status);
    const numbers = bar && [
        shows('count') && countOf(bar, labels),
        shows('percent') && isLive && percentOf(bar),
    ];
    return (
        <div className="long-job-line">
            {shows('name') && (
                <span className="long-job-name">{nameOf(name, labels)}</span>
            )}
            {shows('status') && (
                <span className="long-job-status">{labels[status]}</span>
            )}
            {shows('cached') && cached && (
                <span className="long-job-badge">{labels.cached}</span>
            )}
            {shows('bar') && isLive && bar?.[2] && (
                <span className="long-job-text">{bar[2]}</span>
            )}
            <Facts facts={numbers ?? []} className="long-job-numbers" />
        </div>
    );
}

function Bars({ run, now, labels }: Props) {
    const { status, bars } = run;
    const share = status === 'queued' ? 0 : shareOf(run);
    if (isFinal(status) && share === undefined) {
        return null;
    }
    const loops = status === 'running' ? bars.slice(1) : [];
    return (
        <>
            <Bar
                share={share}
                label={nameOf(run.name, labels)}
                text={barText(run, now, labels)}
            />
            {loops.map((bar, index) => {
                const facts = [countOf(bar, labels), percentOf(bar)];
                const label = bar[2] ?? nameOf(run.name, labels);
                return (
                    <div key={index} className="long-job-loop">
                        <span className="long-job-text">{bar[2]}</span>
                        <Facts facts={facts} className="long-job-numbers" />
                        <Bar
                            share={shareOfBar(bar)}
                            label={label}
                            text={join(...facts)}
                        />
                    </div>
                );
            })}
        </>
    );
}

function Footnote({ run, now, shows, labels, connection }: Props) {
    const { status, cached } = run;
    const elapsed = cached ? undefined : elapsedOf(run, now);
    const facts = [
        shows('elapsed') && elapsed !== undefined && formatTime(elapsed),
        // Without the server's answers an estimate would be stale.
        shows('eta') && !connection && etaText(run, now, labels),
        shows('queue') && queueText(run, labels),
        shows('cached') &&
            cached &&
            fill(labels.saved, { time: formatTime(cached.duration) }),
        shows('connection') && !isFinal(status) && connection,
    ];
    return (
        <div className="long-job-line">
            <Facts facts={facts} className="long-job-facts" />
            <Actions run={run} labels={labels} shows={shows} />
        </div>
    );
}

type FactsProps = {
    facts: (string | false | undefined)[];
    className: string;
};

function Facts({ facts, className }: FactsProps) {
    const told = facts.filter(Boolean);
    return told.length > 0 ? (
        <span className={className}>
            {told.map((fact, index) => (
                <span key={index}>{fact}</span>
            ))}
        </span>
    ) : null;
}
