import { act, cleanup } from '@testing-library/react';
import { afterEach, beforeEach, vi, type Mock } from 'vitest';
import { engineOf } from '../engine/engines';
import type { JobHandle } from '../engine/state/job';
import type { Snapshot } from '../engine/wire/snapshot';
import type { CallbackRequest } from '../engine/wire/callbackRequest';
import { handle } from './handle';
import { FakeServer } from './server';
import { FakeStorage } from './storage';
import { FakeDashStore } from './dashStore';

export let dash: FakeDash;
/** What the component under test tells Dash. */
export let setProps: Mock<(props: Record<string, unknown>) => void>;

/** Give every test of a file a page of its own. */
export function setUpDash(): void {
    beforeEach(() => {
        vi.useFakeTimers();
        dash = new FakeDash();
        setProps = vi.fn();
    });

    afterEach(() => {
        cleanup();
        vi.useRealTimers();
        vi.restoreAllMocks();
    });
}

/** The page of an app: Dash's Redux store, the endpoints and the engine. */
class FakeDash {
    readonly server = new FakeServer();
    readonly dashStore = new FakeDashStore();
    readonly storage = new FakeStorage();
    #cursor = 0;

    constructor() {
        window.dash_component_api = {
            useDashContext: () => ({
                componentPath: [],
                useStore: () => this.dashStore,
            }),
            getLayout: () => undefined,
        };
        this.server.next = 1000;
    }

    get engine() {
        return engineOf(this.dashStore);
    }

    /** Send a callback request, as Dash does; return its `seq`. */
    request(
        payload: CallbackRequest = { changedPropIds: ['run.n_clicks'] },
    ): number {
        this.dashStore.getState().hooks.request_pre?.(payload);
        return payload.longJob?.seq ?? 0;
    }

    /** Let a callback of the view `job` start a job. */
    start(token: string, more: Partial<JobHandle> = {}): void {
        const { engine } = this;
        const seq = this.request();
        act(() => {
            engine.take([
                handle(token, { view: 'job', name: 'app.train', seq, ...more }),
            ]);
        });
    }

    /** Let the server show this snapshot of a job, and the page poll it. */
    async show(
        token: string,
        status: Snapshot['status'],
        more: Partial<Snapshot> = {},
    ): Promise<void> {
        this.server.show(token, { cursor: ++this.#cursor, status, ...more });
        await this.pass(1000);
    }

    pass(ms: number): Promise<unknown> {
        return act(() => vi.advanceTimersByTimeAsync(ms));
    }

    /** Let a callback read these properties. */
    read(id: string, ...properties: string[]): void {
        const inputs = properties.map((property) => ({ id, property }));
        this.dashStore.set({ graphs: { callbacks: [{ inputs, state: [] }] } });
    }
}
