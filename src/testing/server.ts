import { vi } from 'vitest';
import type { Snapshot } from '../engine/wire/snapshot';
import type { UserJob } from '../engine/wire/userJob';
import { Listeners } from '../engine/state/listeners';
import { deferred } from './deferred';

type Request = { at: number; url: string; init: RequestInit };
type Readings = [token: string, cursor: number][];
type Outcome = () => Response | Promise<Response>;

/** The endpoints in memory; replaces `fetch`. */
export class FakeServer {
    readonly requests: Request[] = [];
    /** Tokens and cursors of every poll. */
    readonly polls: [token: string, cursor: number][][] = [];
    readonly cancelled: string[][] = [];
    /** The answers to the questions of jobs. */
    readonly answers: unknown[] = [];
    /** Tokens of the jobs that polls can't reach. */
    unreachable: string[] = [];
    /** The jobs of the user; null if the server knows no user. */
    userJobs: UserJob[] | null = [];
    next = 5000;
    /** The wait before a poll that this server can hold; undefined if it holds none. */
    offer: number | undefined;
    /** How long the server was asked to hold each poll, in milliseconds. */
    readonly holds: number[] = [];
    /** The number of polls that the server holds now. */
    held = 0;
    readonly #news = new Listeners();
    readonly #snapshots = new Map<string, Snapshot>();
    readonly #outcomes: Outcome[] = [];

    constructor() {
        vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
            this.#fetch(url, init),
        );
    }

    /** The milliseconds between each request and the one before. */
    get waits(): number[] {
        return this.requests
            .slice(1)
            .map(({ at }, index) => at - (this.requests[index]?.at ?? 0));
    }

    /** Let polls show this snapshot of a job from now on. */
    show(token: string, snapshot: Snapshot): void {
        this.#snapshots.set(token, snapshot);
        this.#news.tell();
    }

    /** Set the outcome of the next request that has none yet. */
    answer(outcome: Outcome): void {
        this.#outcomes.push(outcome);
    }

    fail(status: number, headers: Record<string, string> = {}): void {
        this.answer(() => new Response('no', { status, headers }));
    }

    disconnect(): void {
        this.answer(() => Promise.reject(new TypeError('Failed to fetch')));
    }

    /** Hold the next request; returns a function that lets it continue. */
    hold(): () => void {
        const { promise, resolve } = deferred();
        const snapshots = new Map(this.#snapshots);
        this.answer(() => promise.then(() => this.#poll(snapshots)));
        return resolve;
    }

    async #fetch(url: string, init: RequestInit): Promise<Response> {
        this.requests.push({ at: Date.now(), url, init });
        const body: unknown = JSON.parse(init.body as string);
        const outcome = this.#outcomes.shift();
        if (url.endsWith('answer')) {
            this.answers.push(body);
            return outcome?.() ?? new Response(null, { status: 204 });
        }
        if (url.endsWith('cancel')) {
            this.cancelled.push(body as string[]);
            return outcome?.() ?? new Response(null, { status: 204 });
        }
        if (url.endsWith('jobs')) {
            return outcome?.() ?? Response.json({ jobs: this.userJobs });
        }
        const { hold, jobs } = Array.isArray(body)
            ? { hold: 0, jobs: body as Readings }
            : (body as { hold: number; jobs: Readings });
        this.polls.push(jobs);
        this.holds.push(hold);
        if (!outcome && init.signal && hold > 0) {
            await this.#wait(hold, init.signal);
        }
        return outcome?.() ?? this.#poll(this.#snapshots, jobs);
    }

    /** Wait for news, for so long at most. */
    async #wait(ms: number, signal: AbortSignal): Promise<void> {
        this.held++;
        const news = deferred();
        const unwatch = this.#news.watch(news.resolve);
        const timer = setTimeout(news.resolve, ms);
        signal.addEventListener('abort', () => {
            news.reject(signal.reason as Error);
        });
        try {
            await news.promise;
        } finally {
            this.held--;
            unwatch();
            clearTimeout(timer);
        }
    }

    #poll(
        snapshots: Map<string, Snapshot>,
        asked = this.polls[this.polls.length - 1] ?? [],
    ): Response {
        const jobs = asked.flatMap(([token, cursor], index) => {
            const snapshot = snapshots.get(token);
            const isNews = snapshot && snapshot.cursor > cursor;
            return isNews && !this.unreachable.includes(token)
                ? [[index, snapshot]]
                : [];
        });
        const unreachable = asked.flatMap(([token], index) =>
            this.unreachable.includes(token) ? [index] : [],
        );
        return Response.json({
            next: this.next,
            hold: this.offer,
            jobs: Object.fromEntries(jobs) as object,
            ...(unreachable.length > 0 && { unreachable }),
        });
    }
}
