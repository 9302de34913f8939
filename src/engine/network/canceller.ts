import type { TabStorage } from '../state/tabStorage';
import { Backoff } from './backoff';
import { Refused, type Client } from './client';

/**
 * Tells the server which jobs to cancel. Retries until it succeeds, across reloads. What
 * a guard refuses has to wait until something may have changed, such as a login.
 */
export class Canceller {
    readonly #client: Client;
    readonly #storage: TabStorage<string>;
    readonly #refused: (reason: Error) => void;
    /** A cancel may fail while polls succeed: one manager alone is away. */
    readonly #backoff = new Backoff();
    readonly #tokens = new Set<string>();
    /** The number of tokens that a guard has refused at the last attempt. */
    #held = 0;
    #sending = false;
    #wake: (() => void) | undefined;

    constructor(
        client: Client,
        storage: TabStorage<string>,
        refused: (reason: Error) => void,
    ) {
        this.#client = client;
        this.#storage = storage;
        this.#refused = refused;
        client.connection.onReturn(() => {
            this.#wake?.();
            this.send();
        });
        this.load();
    }

    /** Cancel what was saved, by the page before a reload for instance. */
    load(): void {
        this.cancel(this.#storage.load());
    }

    cancel(tokens: string[]): void {
        for (const token of tokens) {
            this.#tokens.add(token);
        }
        this.#storage.save([...this.#tokens]);
        this.send();
    }

    /** Send what is left. */
    send(): void {
        if (!this.#sending) {
            void this.#send();
        }
    }

    async #send(): Promise<void> {
        this.#sending = true;
        let isDue = true;
        while (isDue && this.#tokens.size > 0) {
            isDue = await this.#attempt([...this.#tokens]);
        }
        this.#sending = false;
    }

    async #sleep(ms: number): Promise<void> {
        let timer: ReturnType<typeof setTimeout> | undefined;
        await new Promise<void>((resolve) => {
            this.#wake = resolve;
            timer = setTimeout(resolve, ms);
        });
        clearTimeout(timer);
    }

    /** Return whether to make another attempt, if a token is left. */
    async #attempt(tokens: string[]): Promise<boolean> {
        try {
            await this.#client.cancel(tokens);
            this.#backoff.succeeded();
        } catch (error) {
            const wait = this.#backoff.after(error);
            if (wait !== undefined) {
                await this.#sleep(wait);
                return true;
            }
            if (tokens.length > this.#held) {
                this.#refused(error as Error);
            }
            if (error instanceof Refused && error.isForeign) {
                this.#held = tokens.length;
                return this.#tokens.size > tokens.length;
            }
        }
        this.#held = 0;
        for (const token of tokens) {
            this.#tokens.delete(token);
        }
        this.#storage.save([...this.#tokens]);
        return true;
    }
}
