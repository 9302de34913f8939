import { Client } from './network/client';
import { Engine } from './engine';
import { Memory } from './state/tabStorage';
import { Renderer } from './page/renderer';
import { Runs } from './state/runs';
import type { Store } from './page/dashState';

const engines = new Map<Store, Engine>();

/** The one engine of a page, made when it is first asked for. */
export function engineOf(store: Store): Engine {
    const engine = engines.get(store) ?? newEngine(store);
    engines.set(store, engine);
    return engine;
}

function newEngine(store: Store): Engine {
    const renderer = new Renderer(store);
    const engine = new Engine(
        renderer,
        new Client(() => renderer.endpoint()),
        new Memory(renderer.name),
        new Memory(`${renderer.name}-cancels`),
        new Runs(new Memory(`${renderer.name}-runs`)),
    );
    renderer.stampRequests((request) => engine.stamp(request));
    return engine;
}

/** The engine of a page, if there is one yet. */
export function existingEngine(store: Store): Engine | undefined {
    return engines.get(store);
}

/** Tells every engine that these cancel Inputs have changed. */
export function cancel(propIds: string[]): void {
    for (const engine of engines.values()) {
        engine.cancel(propIds);
    }
}
