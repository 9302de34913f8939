import { Client } from './client';
import { Engine } from './engine';
import { Memory } from './memory';
import { Renderer } from './renderer';
import type { Store } from './store';

const engines = new Map<Store, Engine>();

/** The one engine of a page, made when it is first asked for. */
export function engineOf(store: Store): Engine {
    let engine = engines.get(store);
    if (!engine) {
        const renderer = new Renderer(store);
        const made = new Engine(
            renderer,
            new Client(() => renderer.endpoint()),
            new Memory(() => window.sessionStorage, renderer.name),
        );
        renderer.stampRequests((isInitial) => made.stamp(isInitial));
        engines.set(store, made);
        engine = made;
    }
    return engine;
}

/** Tells every engine that these cancel Inputs have changed. */
export function cancel(propIds: string[]): void {
    for (const engine of engines.values()) {
        engine.cancel(propIds);
    }
}
