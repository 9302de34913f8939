import type { Job } from '../state/job';

/** The wait between polls on a hidden page: no one sees the result. */
const HIDDEN_MS = 60_000;
/** The same if a badge or a notification shows the end of a job elsewhere. */
const NOTIFYING_MS = 5000;

/** The pace of polls while the page is hidden. */
export class HiddenPace {
    #notifiers = 0;

    /** Poll more often, for a badge or notifications. Returns a function to stop it. */
    notify(): () => void {
        this.#notifiers++;
        return () => this.#notifiers--;
    }

    /** Return the wait between polls that keeps these jobs alive, in milliseconds. */
    waitFor(jobs: Job[]): number {
        return Math.min(
            this.#notifiers > 0 ? NOTIFYING_MS : HIDDEN_MS,
            ...jobs.map((job) => job.heartbeat),
        );
    }
}
