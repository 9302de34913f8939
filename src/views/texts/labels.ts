import { outputOf, type Run } from '../../engine/state/run';
import { own } from '../../engine/wire/own';

/** The texts of the components. A name in braces is a placeholder. */
export const LABELS = {
    locale: 'en',
    job: 'Job',
    starting: 'Starting…',
    queued: 'Queued',
    running: 'Running',
    asking: 'Waits for an answer',
    succeeded: 'Done',
    failed: 'Failed',
    cancelled: 'Cancelled',
    timed_out: 'Timed out',
    lost: 'Stopped unexpectedly',
    rejected: 'Not accepted',
    cached: 'From the cache',
    refreshing: 'Result of {time}, refreshing',
    not_refreshed: 'Result of {time}, not refreshed',
    saved: 'saved {time}',
    of: '{value} of {total}',
    unit: 'it',
    seconds: '{s} s',
    minutes: '{m} min {s} s',
    hours: '{h} h {m} min',
    eta: 'about {time} left',
    soon: 'almost done',
    took: 'took {time}',
    after: 'after {time}',
    next: 'next in line',
    position: '{ordinal} in line',
    wait: 'starts in about {time}',
    attempt: '{ordinal} of {total} attempts',
    again: 'next in {time}',
    reconnecting: 'Connection lost, reconnecting…',
    offline: 'Offline',
    cancel: 'Cancel',
    retry: 'Retry',
    visit: 'Show result',
};

/** The texts that only the scripts on demand use, which add them. */
export const MORE_LABELS = {
    to_come: 'To come',
    skipped: 'Skipped',
    earlier: '{count} earlier',
    send: 'Send',
    not_sent: 'Not sent. Try again.',
    answered: 'Already answered, or too late',
    answer_in: '{time} to answer',
    default_in: '“{answer}” in {time}',
    log: 'Log',
    search: 'Search',
    times: 'Times',
    download: 'Download',
    history: 'Last runs: {least} to {most}, usually {time}',
    details: 'Details',
    more: 'Show all',
    less: 'Show less',
    copy: 'Copy',
    copied: 'Copied',
    jobs: 'Jobs',
    none: 'No jobs yet',
    open: 'Open page',
    link: 'Copy link',
    clear: 'Clear finished',
    notify: 'Notify me when a job ends',
    close: 'Close',
};

export type Labels = Record<
    keyof typeof LABELS | keyof typeof MORE_LABELS,
    string
> &
    Record<string, string | undefined>;

/** The texts in other languages, by language. A missing text is as in English. */
export type Translations = Readonly<
    Record<string, Readonly<Record<string, string>>>
>;

declare global {
    // Only an interface can extend the existing one.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_long_components_languages?: Translations;
    }
}

/** Return an app's own texts. None in place of a text is none. */
function wordsOf(given: object | string | undefined): Partial<Labels> {
    const words = typeof given === 'string' ? { locale: given } : given;
    return Object.fromEntries(
        Object.entries(words ?? {}).filter(
            ([, text]) => typeof text === 'string',
        ),
    );
}

/** Return the locale that an app selects, as browsers write it; not `de_DE`. */
function localeOf(given: object | string | undefined): string {
    const locale = wordsOf(given).locale ?? LABELS.locale;
    try {
        return String(new Intl.Locale(locale.replace(/_/g, '-')));
    } catch {
        return LABELS.locale;
    }
}

/** Return the language that an app selects. */
export function languageOf(given: object | string | undefined): string {
    return localeOf(given).split('-')[0] ?? '';
}

/** Return the texts of a language, with an app's own texts in their place. */
export function labelsOf(
    given: object | string | undefined,
    translations: Translations = {},
): Labels {
    // A script on demand may add its texts later.
    const labels = Object.create(LABELS) as Labels;
    return Object.assign(
        labels,
        own(translations, languageOf(given)),
        wordsOf(given),
        { locale: localeOf(given) },
    );
}

export function fill(
    template: string,
    values: Record<string, string | number>,
): string {
    return template.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
        String(own(values, name) ?? placeholder),
    );
}

/**
 * Return a job's name: its title, the label of its task, or its function's name in
 * words. A function without a name has that of the component that gets its result.
 */
export function nameOf(
    run: Pick<Run, 'name' | 'title' | 'outputs'>,
    labels: Labels,
): string {
    const { name: task, title } = run;
    if (title) {
        return title;
    }
    const last = task.split('.').pop() ?? '';
    const name = last === '<lambda>' ? outputOf(run) : last;
    const words =
        typeof name === 'string' ? name.replace(/[_-]+/g, ' ').trim() : '';
    return (
        own(labels, task) ??
        (words ? words.charAt(0).toUpperCase() + words.slice(1) : labels.job)
    );
}
