import * as React from 'react';
import { shareOf } from '../../engine/state/progress';
import { isTerminal } from '../../engine/wire/snapshot';
import { Actions } from './Actions';
import { Bar } from './Bar';
import { Facts } from './Facts';
import type { JobViewProps } from './JobView';
import { Question } from './Question';
import {
    barText,
    cachedText,
    elapsedText,
    errorText,
    etaText,
    percentOf,
    queueTexts,
    rateOf,
    statusText,
    stepText,
} from '../texts/runTexts';

/** A job in one line, for table cells and toolbars. */
export function CompactView(props: JobViewProps) {
    const { run, name, now, shows, labels, connection } = props;
    const [bar] = run.bars;
    // While a job asks, there is no room for what does not change.
    const isMoving = run.status === 'running' && !run.question;
    const error = shows('error') && run.error ? errorText(run) : '';
    const step = shows('steps') && stepText(run, labels);
    const time = shows('elapsed') && elapsedText(run, now, labels);
    const eta = shows('eta') && !connection && etaText(run, now, labels);
    const facts = [
        shows('cached') && run.stale && cachedText(run, labels),
        shows('percent') && isMoving && bar && percentOf(bar, labels),
        shows('rate') && rateOf(run, labels),
        ...(shows('queue') ? queueTexts(run, now, labels) : []),
        eta || (!error && !run.question && time),
        shows('connection') && !isTerminal(run.status) && connection,
    ];
    const question = shows('question') && run.question;
    return (
        <>
            <div className="long-job-line" title={error || (run.hint ?? name)}>
                {shows('name') && <span className="long-job-name">{name}</span>}
                {shows('status') && (
                    <span className="long-job-status">
                        {statusText(run, now, labels)}
                    </span>
                )}
                {shows('bar') && isMoving && (
                    <Bar
                        share={shareOf(run)}
                        label={name}
                        text={barText(run, now, labels)}
                    />
                )}
                {(error || step) && (
                    <span className="long-job-text">{error || step}</span>
                )}
                <Facts facts={facts} className="long-job-facts" />
                <Actions run={run} name={name} labels={labels} shows={shows} />
            </div>
            {question && (
                <Question
                    key={run.id + question.id}
                    question={question}
                    {...props}
                />
            )}
        </>
    );
}
