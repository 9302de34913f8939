import type { Endpoint } from '../wire/endpoint';
import type { Snapshot } from '../wire/snapshot';
import { Connection } from './connection';
import { StallTimeout } from './stallTimeout';

const RETRIED = [408, 425, 429];
/** Jobs in one request. The server refuses a body of more than 256 KiB. */
const MOST = 500;
/** The endpoint's own refusals have this header. Those of a guard do not. */
export const OWN = 'Dash-Long-Jobs';

export type PollAnswer = {
    /** When the server suggests the next poll, in milliseconds. */
    next: number;
    /**
     * The wait before a poll that the server holds until there is news, in
     * milliseconds. Missing if it can't hold one.
     */
    hold?: number;
    /** The changes, by position in the request. */
    jobs?: Record<string, Snapshot>;
    /** Positions of the jobs that the server can't report on now. */
    unreachable?: number[];
};

/** Asks the server to hold a poll, for so long at most, in milliseconds. */
export type Hold = { ms: number; signal: AbortSignal };

/** The server did not respond, or can't answer now: retry. */
export class Unavailable extends Error {
    constructor(
        message: string,
        /** The shortest wait that the server asks for, in milliseconds. */
        readonly retryAfter = 0,
    ) {
        super(message);
    }
}

/** The server's answer is final: a retry would not change it. */
export class Refused extends Error {
    constructor(
        message: string,
        /** Something in front of the endpoint refused; after a login it may answer. */
        readonly isForeign = false,
    ) {
        super(message);
    }
}

/**
 * Something else answered in the endpoint's place: a proxy during a deployment, or a
 * login page. Final only if it lasts.
 */
export class ForeignAnswer extends Refused {
    override readonly isForeign = true;
}

/** Sends requests to the endpoints. */
export class Client {
    readonly #endpoint: () => Endpoint;

    constructor(
        endpoint: () => Endpoint,
        readonly connection = new Connection(),
    ) {
        this.#endpoint = endpoint;
    }

    /**
     * Poll for jobs. A poll to hold settles when there is news, or when it is aborted.
     * Many jobs take several requests, which the server does not hold.
     */
    async poll(
        jobs: [token: string, cursor: number][],
        hold?: Hold,
    ): Promise<PollAnswer> {
        if (jobs.length > MOST) {
            const first = await this.poll(jobs.slice(0, MOST));
            const rest = await this.poll(jobs.slice(MOST));
            return joined(first, rest);
        }
        const body = hold ? { hold: hold.ms, jobs } : jobs;
        return this.ask<PollAnswer>('poll', body, 'next', hold?.signal);
    }

    /** Send a request; return the endpoint's answer, which has this key. */
    async ask<T extends object>(
        name: string,
        body: unknown,
        key: keyof T,
        abort?: AbortSignal,
    ): Promise<T> {
        const { text, reason } = await this.post(name, body, abort);
        try {
            const answer = JSON.parse(text) as T;
            if (key in answer) {
                return answer;
            }
        } catch {
            // The answer is not JSON.
        }
        throw new ForeignAnswer(reason);
    }

    /** Whether a poll for some jobs gets through, with whatever answer. */
    async accepts(handles: readonly { token: string }[]): Promise<boolean> {
        try {
            await this.poll(handles.map(({ token }) => [token, 0]));
            return true;
        } catch {
            return false;
        }
    }

    async cancel(tokens: string[]): Promise<void> {
        if (tokens.length > MOST) {
            await this.cancel(tokens.slice(0, MOST));
            await this.cancel(tokens.slice(MOST));
            return;
        }
        const { text, reason } = await this.post('cancel', tokens);
        if (text) {
            throw new ForeignAnswer(reason);
        }
    }

    /** Send a request to an endpoint; reject unless it answers with success. */
    async post(name: string, body: unknown, abort?: AbortSignal) {
        const [response, text] = await this.#send(name, body, abort);
        const { status } = response;
        if (response.type === 'opaqueredirect') {
            throw new ForeignAnswer(
                `The server answered ${name} with a redirect, as to a login`,
            );
        }
        const reason = `The server answered ${name} with ${status}: ${brief(text)}`;
        if (status >= 500 || RETRIED.includes(status)) {
            throw new Unavailable(reason, retryAfter(response));
        }
        if (status === 404) {
            throw new ForeignAnswer(reason);
        }
        if (!response.ok) {
            throw new Refused(reason, !response.headers.has(OWN));
        }
        return { text, reason };
    }

    async #send(
        name: string,
        body: unknown,
        abort?: AbortSignal,
    ): Promise<[response: Response, text: string]> {
        const { url, init } = this.#endpoint();
        const timeout = new StallTimeout(this.connection);
        abort?.addEventListener('abort', () => {
            timeout.end();
        });
        try {
            const request = fetch(url + name, {
                ...init,
                method: 'POST',
                // Only a guard redirects. A page of another site could not be read.
                redirect: 'manual',
                body: JSON.stringify(body),
                signal: timeout.signal,
            }).then(async (response): Promise<[Response, string]> => {
                timeout.restart();
                return [response, await read(response, timeout)];
            });
            // The signal is not enough: some requests that hang ignore it.
            return await Promise.race([request, timeout.expired]);
        } catch {
            throw new Unavailable('The server did not respond');
        } finally {
            timeout.end();
        }
    }
}

/** Return the answer for all jobs, from that for the first ones and for the rest. */
function joined(first: PollAnswer, rest: PollAnswer): PollAnswer {
    const jobs = { ...first.jobs };
    for (const [index, snapshot] of Object.entries(rest.jobs ?? {})) {
        jobs[Number(index) + MOST] = snapshot;
    }
    return {
        next: Math.max(first.next, rest.next),
        jobs,
        unreachable: [
            ...(first.unreachable ?? []),
            ...(rest.unreachable ?? []).map((index) => index + MOST),
        ],
    };
}

/** Read a body of any length, for as long as data keeps arriving. */
async function read(
    { body }: Response,
    timeout: StallTimeout,
): Promise<string> {
    const reader = body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
        const { done = true, value } = (await reader?.read()) ?? {};
        timeout.restart();
        text += decoder.decode(value, { stream: !done });
        if (done) {
            return text;
        }
    }
}

/** The header holds seconds or a date. */
function retryAfter(response: Response): number {
    const value = response.headers.get('Retry-After') ?? '';
    const ms = Number(value) * 1000 || Date.parse(value) - Date.now();
    return Math.max(0, ms || 0);
}

/** The endpoints answer with one line; a proxy may answer with a page. */
function brief(text: string): string {
    const words = text.replace(/<(style|script)[^]*?<\/\1>|<[^>]*>/gi, ' ');
    return words.replace(/\s+/g, ' ').trim().slice(0, 200);
}
