import type { JobHandle } from '../state/job';

/** The time in which a copy answers, also one that is busy. */
const ANSWER_MS = 1000;

/** A question has the runs that a page shows, an answer those that another one shows. */
type Message = [runs: string[], isAnswer: boolean];

/**
 * The copies of this tab, which show the same jobs.
 *
 * Browsers copy a tab together with its storage, so the copy goes on with the jobs
 * that this tab has saved. Each of the tabs cancels for itself: the job ends when no
 * tab shows it any more. A page asks when it has loaded jobs; so all know.
 */
export class Copies {
    readonly #shared = new Set<string>();
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
            const shared = runs.filter((run) => isAnswer || isShown(run));
            for (const run of shared) {
                this.#shared.add(run);
            }
            if (!isAnswer) {
                this.#tell(shared, true);
            }
        };
    }

    /** Ask the other tabs which of these runs they show. */
    ask(runs: string[]): void {
        this.#tell(runs, false);
    }

    /**
     * Call back with those of the handles whose jobs no copy shows: at once, or later if
     * a copy may show one.
     */
    whenAlone(handles: JobHandle[], act: (handles: JobHandle[]) => void): void {
        const shared = handles.filter(({ run }) => this.#shared.delete(run));
        act(handles.filter((handle) => !shared.includes(handle)));
        if (shared.length > 0) {
            this.ask(shared.map(({ run }) => run));
            setTimeout(() => {
                act(shared.filter(({ run }) => !this.#shared.has(run)));
            }, ANSWER_MS);
        }
    }

    #tell(...message: Message): void {
        if (message[0].length > 0) {
            this.#channel?.postMessage(message);
        }
    }
}
