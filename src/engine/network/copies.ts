import type { JobHandle } from '../state/job';

/** The time in which another tab answers, also one that is busy. */
const ANSWER_MS = 1000;

/** A question asks who shows these runs; an answer has those that a page shows. */
type Message = [runs: string[], isAnswer: boolean];

/**
 * Leaves the jobs of a tab to it, where this tab is its copy.
 *
 * Browsers copy a tab together with its storage ("Duplicate tab", `window.open`), so the
 * copy goes on with the jobs of the tab. It asks whether another tab shows a job before
 * it cancels it. The tab that has started the job does not ask.
 */
export class Copies {
    readonly #answered = new Set<string>();
    #channel: BroadcastChannel | undefined;

    /** `isShown` tells whether this page shows the live job of a run. */
    constructor(name: string, isShown: (run: string) => boolean) {
        try {
            this.#channel = new BroadcastChannel(name);
        } catch {
            // A page without access to storage inherits no jobs.
            return;
        }
        this.#channel.onmessage = ({ data }: MessageEvent<Message>) => {
            const [runs, isAnswer] = data;
            if (isAnswer) {
                for (const run of runs) {
                    this.#answered.add(run);
                }
            } else {
                this.#channel?.postMessage([runs.filter(isShown), true]);
            }
        };
    }

    /**
     * Call back with the handles of jobs to cancel: at once, but for those of a copy,
     * later with those that no other tab shows.
     */
    whenOwn(handles: JobHandle[], act: (handles: JobHandle[]) => void): void {
        const copied = handles.filter((handle) => handle.copied);
        act(handles.filter((handle) => !handle.copied));
        if (copied.length > 0) {
            this.#channel?.postMessage([copied.map(({ run }) => run), false]);
            setTimeout(() => {
                act(copied.filter(({ run }) => !this.#answered.has(run)));
            }, ANSWER_MS);
        }
    }
}
