import { vi } from 'vitest';

/** The browser's channels between tabs, in memory; messages arrive soon. */
export class FakeChannel {
    static #open = new Set<FakeChannel>();
    onmessage: ((event: { data: unknown }) => void) | undefined;

    constructor(readonly name: string) {
        FakeChannel.#open.add(this);
    }

    /** Start a test without open channels. */
    static install(): void {
        FakeChannel.#open.clear();
        vi.stubGlobal('BroadcastChannel', FakeChannel);
    }

    /** Close the tabs that are open now. */
    static closeAll(): void {
        FakeChannel.#open.clear();
    }

    postMessage(data: unknown): void {
        const others = [...FakeChannel.#open].filter(
            (each) => each !== this && each.name === this.name,
        );
        for (const channel of others) {
            queueMicrotask(() => channel.onmessage?.({ data }));
        }
    }
}
