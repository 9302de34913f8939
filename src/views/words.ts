import { etaOf, shareOf, shareOfBar, type Run } from '../engine/state/run';
import type { Bar } from '../engine/wire/snapshot';
import { formatNumber, formatShare, formatTime } from './format';
import { fill, type Labels } from './labels';

/** How far a bar is, in numbers: "3 of 10", or "3" where nobody knows of how many. */
export function countOf([value, total]: Bar, labels: Labels): string {
    if (total === null) {
        return formatNumber(value);
    }
    // A share is no count.
    return total === 1
        ? ''
        : fill(labels.of, {
              value: formatNumber(value),
              total: formatNumber(total),
          });
}

export function percentOf(bar: Bar): string {
    const share = shareOfBar(bar);
    return share === undefined ? '' : formatShare(share);
}

/** The time left, in words. */
export function etaText(run: Run, now: number, labels: Labels): string {
    const eta = etaOf(run, now);
    if (eta === undefined) {
        return '';
    }
    return eta < 1
        ? labels.soon
        : fill(labels.eta, { time: formatTime(Math.ceil(eta)) });
}

/** The place in the queue, in words. */
export function queueText({ queue }: Run, labels: Labels): string {
    if (!queue) {
        return '';
    }
    const { position, wait } = queue;
    return join(
        fill(labels.position, { position }),
        // It is 0 where others take longer than they mostly do.
        wait ? fill(labels.wait, { time: formatTime(Math.ceil(wait)) }) : '',
    );
}

/** What a progress bar says. */
export function barText(run: Run, now: number, labels: Labels): string {
    const [bar] = run.bars;
    return join(
        labels[run.status],
        bar && percentOf(bar),
        bar && countOf(bar, labels),
        etaText(run, now, labels),
    );
}

/** What is worth speaking of: each quarter, and the end. */
export function milestoneOf(run: Run, labels: Labels): string {
    const { status, error, cached } = run;
    if (status === 'running') {
        const quarter = Math.floor((shareOf(run) ?? 0) * 4) / 4;
        return join(labels.running, quarter > 0 && formatShare(quarter));
    }
    return join(labels[status], cached && labels.cached, error?.message);
}

export function join(...parts: (string | false | undefined)[]): string {
    return parts.filter(Boolean).join(', ');
}
