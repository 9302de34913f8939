import { Backoff } from './backoff';
import type { Client, PollAnswer } from './client';
import type { Job } from '../job';
import type { Snapshot } from '../wire/snapshot';

const SHORTEST_MS = 20;
/** The longest wait that a timer keeps: it fires at once if told a longer one. */
const LONGEST_MS = 2 ** 31 - 1;
const AFTER_FAULT_MS = 5000;
/** The pace without a network: the browser may be wrong, or fail to see one come. */
const OFFLINE_MS = 60_000;

/** Whose jobs are polled, and who hears what became of them. */
export type Subject = {
    /** The jobs to ask for. */
    pending(): Job[];
    /** The least wait between polls that nobody sees the outcome of; in ms. */
    hiddenWait(): number;
    answered(answers: [Job, Snapshot][]): void;
    refused(jobs: Job[], reason: Error): void;
};

/**
 * Asks for all jobs of the page with one request at a time.
 *
 * The next one is scheduled after the last has settled:
 *
 *     hurry   poll────answer        poll────failure             poll
 *       └─20 ms─┘        └─interval─┘          └────backoff──────┘
 *
 * so that it is no timer set by a timer: browsers slow those down to one a minute
 * on a page that nobody sees. While that is so, or there is no network, it comes at
 * a slow pace, and at once when the page is seen again or has its network back.
 */
export class Poller {
    readonly #client: Client;
    readonly #subject: Subject;
    readonly #backoff: Backoff;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #due = Infinity;
    #asking = false;
    #hurried = false;

    constructor(client: Client, subject: Subject) {
        this.#client = client;
        this.#subject = subject;
        this.#backoff = new Backoff(client.connection);
        client.connection.onReturn(() => {
            if (subject.pending().length > 0) {
                this.hurry();
            }
        });
    }

    /** Brings the next poll forward. */
    hurry(): void {
        this.#hurried = this.#asking;
        this.#schedule(SHORTEST_MS);
    }

    stop(): void {
        clearTimeout(this.#timer);
        this.#due = Infinity;
    }

    #schedule(wait: number): void {
        const due = performance.now() + wait;
        if (this.#asking || due >= this.#due) {
            return;
        }
        clearTimeout(this.#timer);
        this.#due = due;
        this.#timer = setTimeout(
            () => {
                void this.#poll();
            },
            Math.min(wait, LONGEST_MS),
        );
    }

    async #poll(): Promise<void> {
        this.#due = Infinity;
        this.#asking = true;
        let wait = AFTER_FAULT_MS;
        try {
            wait = await this.#ask(this.#subject.pending());
        } catch (error) {
            // No reason to stop: a job that nobody asks for never ends.
            console.error(error);
        }
        this.#asking = false;
        if (this.#subject.pending().length > 0) {
            this.#schedule(
                this.#hurried ? SHORTEST_MS : Math.max(wait, this.#rest),
            );
        }
        this.#hurried = false;
    }

    /** The least wait while an answer would be of little use, or unlikely. */
    get #rest(): number {
        const { isHidden, state } = this.#client.connection;
        return Math.max(
            isHidden ? this.#subject.hiddenWait() : 0,
            state === 'offline' ? OFFLINE_MS : 0,
        );
    }

    /** Returns how long to wait before the next poll, in milliseconds. */
    async #ask(jobs: Job[]): Promise<number> {
        let answer: PollAnswer;
        try {
            answer = await this.#client.poll(
                jobs.map((job) => [job.handle.token, job.cursor]),
            );
        } catch (error) {
            const wait = this.#backoff.after(error);
            if (wait === undefined) {
                this.#subject.refused(jobs, error as Error);
            }
            return wait ?? SHORTEST_MS;
        }
        this.#backoff.succeeded();
        const answers: [Job, Snapshot][] = [];
        for (const [index, snapshot] of Object.entries(answer.jobs ?? {})) {
            const job = jobs[Number(index)];
            if (job) {
                answers.push([job, snapshot]);
            }
        }
        this.#subject.answered(answers);
        const intervals = this.#subject.pending().map((job) => job.interval);
        return Math.max(SHORTEST_MS, Math.min(answer.next, ...intervals));
    }
}
