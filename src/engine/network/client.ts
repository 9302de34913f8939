import { Connection } from './connection';
import { Patience } from './stallTimeout';
import type { Snapshot } from '../wire/snapshot';

const RETRIED = [408, 425, 429];
/** What a guard of the app says, not the endpoint: a login changes it. */
const GUARDED = [401, 403, 407];

/** Where the endpoints are, and what a request to them looks like. */
export type Endpoint = { url: string; init: RequestInit };

export type PollAnswer = {
    /** When the server suggests to ask again, in milliseconds. */
    next: number;
    /** What has changed, by position in the request. */
    jobs?: Record<string, Snapshot>;
};

/** The server was not reached, or can't answer now: ask again. */
export class Unavailable extends Error {
    constructor(
        message: string,
        /** The least wait that the server asks for, in milliseconds. */
        readonly retryAfter = 0,
    ) {
        super(message);
    }
}

/** The server's answer is final: asking again would not change it. */
export class Refused extends Error {
    constructor(
        message: string,
        /** It was said by another than the endpoint; later the job may be had. */
        readonly isByAnother = false,
    ) {
        super(message);
    }
}

/**
 * Another one has answered in the endpoint's place: a proxy while the app is
 * deployed anew, or the page of a login. Final only if it stays so.
 */
export class Misplaced extends Refused {
    override readonly isByAnother = true;
}

/** Speaks to the endpoints. */
export class Client {
    readonly #endpoint: () => Endpoint;

    constructor(
        endpoint: () => Endpoint,
        readonly connection = new Connection(),
    ) {
        this.#endpoint = endpoint;
    }

    async poll(jobs: [token: string, cursor: number][]): Promise<PollAnswer> {
        const { text, reason } = await this.#post('poll', jobs);
        try {
            const answer = JSON.parse(text) as PollAnswer;
            if (typeof answer.next === 'number') {
                return answer;
            }
        } catch {
            // Not even JSON.
        }
        throw new Misplaced(reason);
    }

    async cancel(tokens: string[]): Promise<void> {
        const { text, reason } = await this.#post('cancel', tokens);
        if (text) {
            throw new Misplaced(reason);
        }
    }

    async #post(name: string, body: unknown) {
        const [response, text] = await this.#send(name, body);
        const { status } = response;
        const reason = `The server answered ${name} with ${status}: ${brief(text)}`;
        if (status >= 500 || RETRIED.includes(status)) {
            throw new Unavailable(reason, retryAfter(response));
        }
        if (status === 404) {
            throw new Misplaced(reason);
        }
        if (!response.ok) {
            throw new Refused(reason, GUARDED.includes(status));
        }
        return { text, reason };
    }

    async #send(
        name: string,
        body: unknown,
    ): Promise<[response: Response, text: string]> {
        const { url, init } = this.#endpoint();
        const patience = new Patience(this.connection);
        try {
            const request = fetch(url + name, {
                ...init,
                method: 'POST',
                body: JSON.stringify(body),
                signal: patience.signal,
            }).then(async (response): Promise<[Response, string]> => {
                patience.renew();
                return [response, await read(response, patience)];
            });
            // Not left to the signal: not all that hangs hears of it.
            return await Promise.race([request, patience.lost]);
        } catch {
            throw new Unavailable('The server did not respond');
        } finally {
            patience.end();
        }
    }
}

/** Reads a body of any length, for as long as it keeps coming. */
async function read({ body }: Response, patience: Patience): Promise<string> {
    const reader = body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
        const { done = true, value } = (await reader?.read()) ?? {};
        patience.renew();
        text += decoder.decode(value, { stream: !done });
        if (done) {
            return text;
        }
    }
}

/** The header bears seconds or a date. */
function retryAfter(response: Response): number {
    const value = response.headers.get('Retry-After') ?? '';
    const ms = Number(value) * 1000 || Date.parse(value) - Date.now();
    return Math.max(0, ms || 0);
}

/** The endpoints answer with one line, but who stands before them may not. */
function brief(text: string): string {
    return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}
