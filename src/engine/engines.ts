import { Engine } from './engine';
import { Client } from './network/client';
import type { DashStore } from './page/dashState';
import { Renderer } from './page/renderer';
import { Runs } from './state/runs';
import { TabStorage } from './state/tabStorage';

const engines = new Map<DashStore, Engine>();

/** Return the engine of a page; the first call makes it. */
export function engineOf(dashStore: DashStore): Engine {
    const engine = engines.get(dashStore) ?? newEngine(dashStore);
    engines.set(dashStore, engine);
    return engine;
}

function newEngine(dashStore: DashStore): Engine {
    const renderer = new Renderer(dashStore);
    const engine = new Engine(
        renderer,
        new Client(() => renderer.endpoint()),
        new TabStorage(renderer.name),
        new TabStorage(`${renderer.name}-cancels`),
        new Runs(new TabStorage(`${renderer.name}-runs`)),
        renderer.name,
    );
    window.addEventListener('pageshow', ({ persisted }) => {
        if (persisted) {
            // Other pages of this tab have saved their jobs in the meantime.
            engine.resume();
        }
    });
    renderer.addTriggerInfo((request) => engine.triggerInfo(request));
    return engine;
}

/** Return the engine of a page, if there is one yet. */
export function existingEngine(dashStore: DashStore): Engine | undefined {
    return engines.get(dashStore);
}

/** Tell every engine that these cancel Inputs have changed. */
export function cancel(propIds: string[]): void {
    for (const engine of engines.values()) {
        engine.cancel(propIds);
    }
}
