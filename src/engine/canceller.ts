import { Backoff } from './backoff';
import { Unavailable, type Client } from './client';

/** Tells the server which jobs to cancel, until it got through. */
export class Canceller {
    private readonly backoff = new Backoff();
    private tokens: string[] = [];
    private sending = false;

    constructor(
        private readonly client: Client,
        private readonly refused: (reason: Error) => void,
    ) {}

    cancel(tokens: string[]): void {
        this.tokens.push(...tokens);
        if (!this.sending) {
            void this.send();
        }
    }

    private async send(): Promise<void> {
        this.sending = true;
        while (this.tokens.length > 0) {
            const batch = [...this.tokens];
            const wait = await this.attempt(batch);
            if (wait === undefined) {
                this.tokens = this.tokens.slice(batch.length);
            } else {
                await new Promise((resolve) => setTimeout(resolve, wait));
            }
        }
        this.sending = false;
    }

    /** Returns how long to wait before the next attempt, if one is needed. */
    private async attempt(tokens: string[]): Promise<number | undefined> {
        try {
            await this.client.cancel(tokens);
            this.backoff.reset();
        } catch (error) {
            if (error instanceof Unavailable) {
                return this.backoff.next(error.retryAfter);
            }
            this.refused(error as Error);
        }
        return undefined;
    }
}
