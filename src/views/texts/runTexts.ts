import {
    elapsedOf,
    etaOf,
    isStarting,
    shareOf,
    shareOfBar,
} from '../../engine/state/progress';
import type { Run } from '../../engine/state/run';
import { isTerminal, type Bar, type Step } from '../../engine/wire/snapshot';
import {
    formatAge,
    formatAmount,
    formatExactTime,
    formatNumber,
    formatOrdinal,
    formatShare,
    formatTime,
} from './format';
import { fill, type Labels } from './labels';

/** The texts of a run: its labels, filled with what the run is at. */

export function statusText(run: Run, now: number, labels: Labels): string {
    const waits = isStarting(run, now) ? 'starting' : run.question && 'asking';
    return labels[waits ?? run.status];
}

/** That the result comes from the cache, and how old it is if it is an old one. */
export function cachedText(run: Run, labels: Labels, date = Date.now()) {
    const { status, cached, stale, began } = run;
    const text = isTerminal(status) ? labels.not_refreshed : labels.refreshing;
    return stale
        ? fill(text, {
              time: formatAge(stale.age + (date - began) / 1000, labels),
          })
        : cached && labels.cached;
}

/** The progress of a bar in numbers: "3 of 10", or "3" without a total. */
export function countOf(bar: Bar, labels: Labels): string {
    const [value, total, , extras = {}] = bar;
    if (total === null) {
        return formatAmount(value, extras, labels);
    }
    // A total of 1 means that the value is a share, not a count.
    if (total === 1) {
        return '';
    }
    return fill(labels.of, {
        // "3 of 10 files", but "300 kB of 7.3 GB".
        value: formatAmount(value, extras.base ? extras : {}, labels),
        total: formatAmount(total, extras, labels),
    });
}

/** The pace of a job's own bar: "120 it/s", or "4 s/it" if that is slow. */
export function rateOf(run: Run, labels: Labels): string {
    const [bar] = run.bars;
    const { unit = labels.unit, base, rate = averageOf(run) } = bar?.[3] ?? {};
    if (run.status !== 'running' || !rate) {
        return '';
    }
    return rate < 1
        ? `${fill(labels.seconds, { s: formatNumber(1 / rate, labels) })}/${unit}`
        : `${formatAmount(rate, { unit, base }, labels)}/s`;
}

function averageOf({ bars, reported }: Run): number | undefined {
    const [value = 0, total, , { start = 0 } = {}] = bars[0] ?? [];
    return total === 1 || reported <= 0
        ? undefined
        : (value - start) / reported;
}

/** The count of a run's own bar. A bar that success has filled needs none. */
export function ownCountOf({ status, bars }: Run, labels: Labels): string {
    const [bar] = bars;
    const isFilled = status === 'succeeded' && bar?.[1] !== null;
    return bar && !isFilled ? countOf(bar, labels) : '';
}

export function percentOf(bar: Bar, labels: Labels): string {
    const share = shareOfBar(bar);
    return share === undefined ? '' : formatShare(share, labels);
}

/** The duration of a job so far, or at its end. */
export function elapsedText(run: Run, now: number, labels: Labels): string {
    const { status, cached } = run;
    const elapsed = elapsedOf(run, now);
    if (elapsed === undefined || cached) {
        return '';
    }
    if (!isTerminal(status)) {
        return formatTime(elapsed, labels);
    }
    const time = formatExactTime(elapsed, labels);
    return fill(status === 'succeeded' ? labels.took : labels.after, { time });
}

/** The time left, in words. */
export function etaText(run: Run, now: number, labels: Labels): string {
    const eta = etaOf(run, now);
    if (eta === undefined) {
        return '';
    }
    return eta < 1
        ? labels.soon
        : fill(labels.eta, { time: formatTime(Math.ceil(eta), labels) });
}

/** The place in the queue and the wait, in words. */
export function queueTexts(run: Run, now: number, labels: Labels): string[] {
    const { queue } = run;
    if (!queue || isStarting(run, now)) {
        return [];
    }
    const { position, wait, attempt } = queue;
    const [number, total = ''] = attempt ?? [position];
    const place = position === 1 ? labels.next : labels.position;
    return [
        fill(attempt ? labels.attempt : place, {
            position: formatNumber(number, labels),
            ordinal: formatOrdinal(number, labels),
            total,
        }),
        // An overdue job ahead may end at any moment: then the server sends 1 s.
        wait && wait > 1
            ? fill(attempt ? labels.again : labels.wait, {
                  time: formatTime(Math.ceil(wait), labels),
              })
            : '',
    ];
}

/** The outermost step that runs, and which one of those planned it is. */
export function stepText(run: Run, labels: Labels): string {
    const steps = outermost(run);
    const step = steps.filter(([, , status]) => status === 'running').at(-1);
    if (!step?.[0] || run.status !== 'running') {
        return '';
    }
    const count = fill(labels.of, {
        value: steps.indexOf(step) + 1,
        total: steps.length,
    });
    return run.planned ? `${step[0]} (${count})` : step[0];
}

function outermost({ steps }: Run): Step[] {
    return steps.filter(([name, depth]) => name && depth === 0);
}

/** The value of a progress bar in words, for screen readers. */
export function barText(run: Run, now: number, labels: Labels): string {
    const [bar] = run.bars;
    return join(
        statusText(run, now, labels),
        bar && !isTerminal(run.status) && percentOf(bar, labels),
        stepText(run, labels),
        ownCountOf(run, labels),
        etaText(run, now, labels),
    );
}

/** The milestone to announce: the start, each quarter and the end. */
export function milestoneOf(run: Run, now: number, labels: Labels): string {
    const { status, error, began } = run;
    // An age that grows would be announced each minute.
    const cached = cachedText(run, labels, began);
    if (status === 'running') {
        const begun = outermost(run).filter(([, , step]) => step !== 'to_come');
        const quarter = Math.floor((shareOf(run) ?? 0) * 4) / 4;
        return join(
            statusText(run, now, labels),
            run.question?.text,
            // The last to begin for the first time: loops must not be announced.
            begun.at(-1)?.[0] ?? '',
            quarter > 0 && formatShare(quarter, labels),
            cached,
        );
    }
    return join(statusText(run, now, labels), cached, error && errorText(run));
}

/** The type of an exception of the job; an error of ours needs no more than its text. */
export function exceptionTypeOf({ status, error }: Run): string {
    const { type = '', message } = error ?? {};
    const isOurs = status !== 'failed' || type === 'NotStarted';
    return isOurs && message ? '' : type;
}

export function errorText(run: Run): string {
    return [exceptionTypeOf(run), run.error?.message]
        .filter(Boolean)
        .join(': ');
}

export function join(...parts: (string | false | undefined)[]): string {
    return parts.filter(Boolean).join(', ');
}
