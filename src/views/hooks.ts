import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';
import { useDashContext } from '../engine/page/dashApi';
import type { Engine } from '../engine/engine';
import { engineOf, existingEngine } from '../engine/engines';
import type { Store } from '../engine/page/dashState';

const TICK_MS = 1000;

/** Dash's store, by which events and effects have the page's engine. */
export function useStore(): Store {
    return useDashContext().useStore();
}

/** What the engine holds, now and after every change; the same if it is the same. */
export function useWatched<K extends 'runs' | 'connection', T>(
    part: K,
    read: (part: Engine[K]) => T,
): T | undefined {
    const store = useStore();
    const subscribe = useCallback(
        (changed: () => void) => engineOf(store)[part].watch(changed),
        [store, part],
    );
    return useSyncExternalStore(subscribe, () => {
        const engine = existingEngine(store);
        return engine && read(engine[part]);
    });
}

/** The time by the page's clock, in milliseconds: whole seconds, for all views. */
export function useNow(isTicking: boolean): number {
    const subscribe = useCallback(
        (changed: () => void) => {
            const timer = isTicking ? setInterval(changed, TICK_MS) : undefined;
            return () => {
                clearInterval(timer);
            };
        },
        [isTicking],
    );
    return useSyncExternalStore(
        subscribe,
        () => Math.floor(performance.now() / TICK_MS) * TICK_MS,
    );
}

/** Calls back when a property gets another value, but None. */
export function useChange(value: unknown, changed: () => void): void {
    const before = useRef(value);
    useEffect(() => {
        const isOther = value !== before.current;
        before.current = value;
        if (isOther && value !== null && value !== undefined) {
            changed();
        }
    });
}
