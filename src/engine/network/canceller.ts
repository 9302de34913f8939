import type { TabStorage } from '../state/tabStorage';
import { Backoff } from './backoff';
import type { Client } from './client';

/** Tells the server which jobs to cancel. Retries until it succeeds, across reloads. */
export class Canceller {
    readonly #client: Client;
    readonly #storage: TabStorage<string>;
    readonly #refused: (reason: Error) => void;
    /** A cancel may fail while polls succeed: one manager alone is away. */
    readonly #backoff = new Backoff();
    readonly #tokens: string[] = [];
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
        client.connection.onReturn(() => this.#wake?.());
        this.cancel(storage.load());
    }

    cancel(tokens: string[]): void {
        this.#tokens.push(...tokens);
        this.#storage.save(this.#tokens);
        if (!this.#sending) {
            void this.#send();
        }
    }

    async #send(): Promise<void> {
        this.#sending = true;
        while (this.#tokens.length > 0) {
            const batch = [...this.#tokens];
            const wait = await this.#attempt(batch);
            if (wait === undefined) {
                this.#tokens.splice(0, batch.length);
                this.#storage.save(this.#tokens);
            } else {
                await this.#sleep(wait);
            }
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

    /** Return how long to wait before the next attempt; undefined if none is needed. */
    async #attempt(tokens: string[]): Promise<number | undefined> {
        try {
            await this.#client.cancel(tokens);
        } catch (error) {
            const wait = this.#backoff.after(error);
            if (wait === undefined) {
                this.#refused(error as Error);
            }
            return wait;
        }
        this.#backoff.succeeded();
        return undefined;
    }
}
