import { Backoff } from './backoff';
import { Unavailable, type Client, type PollAnswer } from './client';
import type { Job } from './job';
import type { Snapshot } from './snapshot';

const SHORTEST_MS = 20;

/** Whose jobs are polled, and who hears what became of them. */
export type Subject = {
    /** The jobs to ask for. */
    pending(): Job[];
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
 */
export class Poller {
    private readonly backoff = new Backoff();
    private timer: ReturnType<typeof setTimeout> | undefined;
    private due = Infinity;
    private asking = false;
    private hurried = false;

    constructor(
        private readonly client: Client,
        private readonly subject: Subject,
    ) {}

    /** Brings the next poll forward. */
    hurry(): void {
        this.hurried = this.asking;
        this.schedule(SHORTEST_MS);
    }

    stop(): void {
        clearTimeout(this.timer);
        this.due = Infinity;
    }

    private schedule(wait: number): void {
        const due = performance.now() + wait;
        if (this.asking || due >= this.due) {
            return;
        }
        clearTimeout(this.timer);
        this.due = due;
        this.timer = setTimeout(() => {
            void this.poll();
        }, wait);
    }

    private async poll(): Promise<void> {
        this.due = Infinity;
        this.asking = true;
        const wait = await this.ask(this.subject.pending());
        this.asking = false;
        this.next(wait);
    }

    private next(wait: number): void {
        if (this.subject.pending().length > 0) {
            this.schedule(this.hurried ? SHORTEST_MS : wait);
        }
        this.hurried = false;
    }

    /** Returns how long to wait before the next poll, in milliseconds. */
    private async ask(jobs: Job[]): Promise<number> {
        let answer: PollAnswer;
        try {
            answer = await this.client.poll(
                jobs.map((job) => [job.token, job.cursor]),
            );
        } catch (error) {
            if (error instanceof Unavailable) {
                return this.backoff.next(error.retryAfter);
            }
            this.subject.refused(jobs, error as Error);
            return SHORTEST_MS;
        }
        this.backoff.reset();
        const answers: [Job, Snapshot][] = [];
        for (const [index, snapshot] of Object.entries(answer.jobs ?? {})) {
            const job = jobs[Number(index)];
            if (job) {
                answers.push([job, snapshot]);
            }
        }
        this.subject.answered(answers);
        const intervals = this.subject
            .pending()
            .map((job) => job.handle.interval);
        return Math.max(SHORTEST_MS, Math.min(answer.next, ...intervals));
    }
}
