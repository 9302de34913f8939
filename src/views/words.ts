import { etaOf, shareOf, shareOfBar } from '../engine/state/progress';
import type { Run } from '../engine/state/run';
import type { Bar } from '../engine/wire/snapshot';
import { formatNumber, formatShare, formatTime } from './format';
import { fill, type Labels } from './labels';

/** How far a bar is, in numbers: "3 of 10", or "3" without a total. */
export function countOf([value, total]: Bar, labels: Labels): string {
    if (total === null) {
        return formatNumber(value);
    }
    // A total of 1 means that the value is a share, not a count.
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
        // The estimate is 0 when the jobs ahead take longer than usual.
        wait ? fill(labels.wait, { time: formatTime(Math.ceil(wait)) }) : '',
    );
}

/** The value of a progress bar in words, for screen readers. */
export function barText(run: Run, now: number, labels: Labels): string {
    const [bar] = run.bars;
    return join(
        labels[run.status],
        bar && percentOf(bar),
        bar && countOf(bar, labels),
        etaText(run, now, labels),
    );
}

/** What to announce: the start, each quarter and the end. */
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
