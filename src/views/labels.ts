import { own } from '../engine/wire/own';

/** The texts of the components. A name in braces is a placeholder. */
export const LABELS = {
    job: 'Job',
    queued: 'Queued',
    running: 'Running',
    succeeded: 'Done',
    failed: 'Failed',
    cancelled: 'Cancelled',
    timed_out: 'Timed out',
    lost: 'Lost',
    rejected: 'Not accepted',
    cached: 'From the cache',
    saved: 'saved {time}',
    of: '{value} of {total}',
    eta: 'about {time} left',
    soon: 'almost done',
    position: 'number {position} in the queue',
    wait: 'starts in about {time}',
    reconnecting: 'Connection lost, reconnecting …',
    offline: 'Offline',
    cancel: 'Cancel',
    retry: 'Retry',
    log: 'Log',
    details: 'Details',
    jobs: 'Jobs',
    none: 'No jobs yet',
    visit: 'Show result',
    clear: 'Clear finished',
    notify: 'Notify me when a job ends',
};

export type Labels = Record<keyof typeof LABELS, string> &
    Record<string, string | undefined>;

export function fill(
    template: string,
    values: Record<string, string | number>,
): string {
    return template.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
        String(own(values, name) ?? placeholder),
    );
}

/** Return a job's name: the label of its task, or its function's name in words. */
export function nameOf(task: string, labels: Labels): string {
    const words = task.split('.').pop()?.replace(/_+/g, ' ').trim() ?? '';
    return (
        own(labels, task) ??
        (words && words !== '<lambda>'
            ? words.charAt(0).toUpperCase() + words.slice(1)
            : labels.job)
    );
}
