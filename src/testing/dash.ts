import { act } from '@testing-library/react';
import { vi } from 'vitest';
import { engineOf } from '../engine/engines';
import type { JobHandle } from '../engine/job';
import type { Snapshot } from '../engine/wire/snapshot';
import type { Payload } from '../engine/page/dashState';
import { handle } from './handle';
import { FakeServer } from './server';
import { FakeStorage } from './storage';
import { FakeStore } from './store';

/** The page of an app: Dash's store, the endpoints and the engine. */
export class FakeDash {
    readonly server = new FakeServer();
    readonly store = new FakeStore();
    readonly storage = new FakeStorage();
    #cursor = 0;

    constructor() {
        window.dash_component_api = {
            useDashContext: () => ({
                componentPath: [],
                useStore: () => this.store,
            }),
            getLayout: () => undefined,
        };
        this.server.next = 1000;
    }

    get engine() {
        return engineOf(this.store);
    }

    /** Sends a callback's request, as Dash does; returns the stamp it bears. */
    request(payload: Payload = { changedPropIds: ['run.n_clicks'] }): number {
        this.store.getState().hooks.request_pre?.(payload);
        return payload.longJob?.seq ?? 0;
    }

    /** A callback of the view `job` starts a job. */
    start(token: string, more: Partial<JobHandle> = {}): void {
        const { engine } = this;
        const seq = this.request();
        act(() => {
            engine.take([
                handle(token, { view: 'job', name: 'app.train', seq, ...more }),
            ]);
        });
    }

    /** The server says this of a job, and the page hears it. */
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

    /** Has a callback read these properties. */
    read(id: string, ...properties: string[]): void {
        const inputs = properties.map((property) => ({ id, property }));
        this.store.set({ graphs: { callbacks: [{ inputs, state: [] }] } });
    }
}
