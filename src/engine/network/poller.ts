import type { Job } from '../state/job';
import type { Snapshot } from '../wire/snapshot';
import { Backoff } from './backoff';
import type { Client, PollAnswer } from './client';
import type { HeldPolls } from './heldPolls';

const SHORTEST_MS = 20;
/** The longest delay that `setTimeout` supports: with a longer one it fires at once. */
const LONGEST_MS = 2 ** 31 - 1;
const AFTER_FAULT_MS = 5000;
/** A poll that the server answers so soon, and without news, was not held. */
const NOT_HELD_MS = 1000;
/** The pace without a network: the browser may be wrong, or miss its return. */
const OFFLINE_MS = 60_000;

/** Names the jobs to poll for, and receives the answers. */
export type PollDelegate = {
    pending(): Job[];
    /** The shortest wait between polls while the page is hidden, in milliseconds. */
    hiddenWait(): number;
    /** The server has answered, but can't reach some of the jobs. */
    answered(answers: [Job, Snapshot][], unreachable?: Job[]): void;
    refused(jobs: Job[], reason: Error): void;
    /** Load the script of held polls. */
    loadHeldPolls(): Promise<unknown>;
};

/**
 * Polls for all jobs of the page, with one request at a time.
 *
 * It schedules the next poll after the last one has settled:
 *
 *     hurry   poll────answer        poll────failure             poll
 *       └─20 ms─┘        └─interval─┘          └────backoff──────┘
 *
 * Where the server can hold a poll until there is news, the page asks for it at once:
 *
 *     hurry   poll────answer   poll──────────news   poll────────────25 s───answer
 *       └─20 ms─┘        └20 ms─┘              └20 ms─┘
 *
 * A timer that another timer sets would not do: on a hidden page browsers slow those
 * down to one a minute. While the page is hidden or offline, polls come at a slow
 * pace; when it is visible or online again, the next one comes at once.
 */
export class Poller {
    readonly #client: Client;
    readonly #delegate: PollDelegate;
    readonly #backoff: Backoff;
    /** Undefined until the server has offered to hold polls, and the script is there. */
    #heldPolls: HeldPolls | undefined;
    /** Once is enough: without the script, polls go on as on other servers. */
    #hasAskedForScript = false;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #due = Infinity;
    #polling = false;
    #hurried = false;

    constructor(client: Client, delegate: PollDelegate) {
        this.#client = client;
        this.#delegate = delegate;
        this.#backoff = new Backoff(client.connection);
        client.connection.onReturn(() => {
            if (delegate.pending().length > 0) {
                this.hurry();
            }
        });
        client.connection.watch(() => {
            // A held poll notices nothing of a lost network. The next one tells
            // whether the browser is right.
            if (
                client.connection.state === 'offline' &&
                this.#heldPolls?.isHolding
            ) {
                this.hurry();
            }
        });
    }

    /** Poll as soon as possible. */
    hurry(): void {
        this.#hurried = this.#polling;
        this.#heldPolls?.abort();
        this.#schedule(SHORTEST_MS);
    }

    stop(): void {
        clearTimeout(this.#timer);
        this.#due = Infinity;
        this.#heldPolls?.stop();
    }

    #schedule(wait: number): void {
        const due = performance.now() + wait;
        if (this.#polling || due >= this.#due) {
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
        this.#polling = true;
        let wait = AFTER_FAULT_MS;
        try {
            wait = await this.#ask(this.#delegate.pending());
        } catch (error) {
            // Don't stop: a job that is never polled never ends on the page.
            console.error(error);
        }
        this.#polling = false;
        if (this.#delegate.pending().length > 0) {
            this.#schedule(
                this.#hurried ? SHORTEST_MS : Math.max(wait, this.#rest),
            );
        }
        this.#hurried = false;
    }

    /** The shortest wait while an answer is unlikely, or of little use. */
    get #rest(): number {
        const { isHidden, state } = this.#client.connection;
        return Math.max(
            isHidden ? this.#delegate.hiddenWait() : 0,
            state === 'offline' ? OFFLINE_MS : 0,
        );
    }

    /** Return how long to wait before the next poll, in milliseconds. */
    async #ask(jobs: Job[]): Promise<number> {
        let answer: PollAnswer;
        const hold = this.#heldPolls?.next(jobs);
        const start = performance.now();
        try {
            answer = await this.#client.poll(
                jobs.map((job) => [job.handle.token, job.cursor]),
                hold,
            );
        } catch (error) {
            if (hold) {
                this.#heldPolls?.failed(hold);
                return SHORTEST_MS;
            }
            const wait = this.#backoff.after(error);
            if (wait === undefined) {
                this.#delegate.refused(jobs, error as Error);
            }
            return wait ?? SHORTEST_MS;
        } finally {
            this.#heldPolls?.settled();
        }
        this.#backoff.succeeded();
        const answers: [Job, Snapshot][] = [];
        for (const [index, snapshot] of Object.entries(answer.jobs ?? {})) {
            const job = jobs[Number(index)];
            if (job) {
                answers.push([job, snapshot]);
            }
        }
        this.#delegate.answered(
            answers,
            jobs.filter((_, index) => answer.unreachable?.includes(index)),
        );
        const intervals = this.#delegate.pending().map((job) => job.interval);
        this.#offerHold(answer.hold !== undefined);
        // Otherwise an answer that always comes at once would be asked for at once.
        const isOfUse =
            !hold ||
            answers.length > 0 ||
            performance.now() - start >= NOT_HELD_MS;
        const isNextHeld =
            isOfUse && intervals.length > 0 && this.#heldPolls?.isReady;
        const wait = (isNextHeld ? answer.hold : undefined) ?? answer.next;
        return Math.max(SHORTEST_MS, Math.min(wait, ...intervals));
    }

    /** The server can hold the next poll, or can't. */
    #offerHold(canHold: boolean): void {
        this.#heldPolls?.offer(canHold);
        if (canHold && !this.#hasAskedForScript) {
            this.#hasAskedForScript = true;
            void this.#loadHeldPolls();
        }
    }

    async #loadHeldPolls(): Promise<void> {
        try {
            await this.#delegate.loadHeldPolls();
        } catch {
            return;
        }
        const Loaded = window.dash_long_components_held;
        this.#heldPolls = Loaded && new Loaded(this.#client.connection);
        if (this.#delegate.pending().length > 0 && this.#heldPolls?.isReady) {
            // The wait for the next poll is that of a server which holds none.
            this.hurry();
        }
    }
}
