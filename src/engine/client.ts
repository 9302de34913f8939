import type { Snapshot } from './snapshot';

const TIMEOUT_MS = 30_000;
const RETRIED = [408, 425, 429];

/** Where the endpoints are, and what a request to them looks like. */
export type Connection = { url: string; init: RequestInit };

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
export class Refused extends Error {}

/** Speaks to the endpoints. */
export class Client {
    constructor(private readonly connect: () => Connection) {}

    async poll(jobs: [token: string, cursor: number][]): Promise<PollAnswer> {
        const body = await this.post('poll', jobs);
        const answer = parse(body);
        if (typeof answer?.next !== 'number') {
            throw new Refused('The answer to a poll makes no sense');
        }
        return answer as PollAnswer;
    }

    async cancel(tokens: string[]): Promise<void> {
        await this.post('cancel', tokens);
    }

    private async post(endpoint: string, body: unknown): Promise<string> {
        const { url, init } = this.connect();
        const timeout = new AbortController();
        const timer = setTimeout(() => {
            timeout.abort();
        }, TIMEOUT_MS);
        let response: Response;
        let text: string;
        try {
            response = await fetch(url + endpoint, {
                ...init,
                method: 'POST',
                body: JSON.stringify(body),
                signal: timeout.signal,
            });
            text = await response.text();
        } catch {
            throw new Unavailable('The server did not respond');
        } finally {
            clearTimeout(timer);
        }
        if (response.ok) {
            return text;
        }
        const reason = `The server answered ${endpoint} with ${response.status}: ${brief(text)}`;
        if (response.status >= 500 || RETRIED.includes(response.status)) {
            throw new Unavailable(reason, retryAfter(response));
        }
        throw new Refused(reason);
    }
}

/** The header bears seconds or a date. */
function retryAfter(response: Response): number {
    const value = response.headers.get('Retry-After') ?? '';
    const seconds = Number(value);
    return Math.max(
        0,
        (Number.isNaN(seconds)
            ? Date.parse(value) - Date.now()
            : seconds * 1000) || 0,
    );
}

/** The endpoints answer with one line, but who stands before them may not. */
function brief(text: string): string {
    return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}

/** What is not JSON is likely the page of a login or of a proxy. */
function parse(body: string): Partial<PollAnswer> | null {
    try {
        return JSON.parse(body) as Partial<PollAnswer> | null;
    } catch {
        return null;
    }
}
