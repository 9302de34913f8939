import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';
import { useDashContext } from '../../engine/page/dashApi';
import type { Engine } from '../../engine/engine';
import { engineOf, existingEngine } from '../../engine/engines';
import type { DashStore } from '../../engine/page/dashState';

const TICK_MS = 1000;

/** Dash's Redux store, the key to the page's engine. */
export function useDashStore(): DashStore {
    return useDashContext().useStore();
}

/** Return what `read` finds in a part of the engine, now and after every change. */
export function useWatched<K extends 'runs' | 'connection', T>(
    part: K,
    read: (part: Engine[K]) => T,
): T | undefined {
    const dashStore = useDashStore();
    const subscribe = useCallback(
        (changed: () => void) => engineOf(dashStore)[part].watch(changed),
        [dashStore, part],
    );
    return useSyncExternalStore(subscribe, () => {
        const engine = existingEngine(dashStore);
        return engine && read(engine[part]);
    });
}

/** Return the time in ms, cut to whole seconds so that all views agree. */
export function useNow(
    isTicking: boolean,
    clock: () => number = () => performance.now(),
): number {
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
        () => Math.floor(clock() / TICK_MS) * TICK_MS,
    );
}

/** Call back when a property gets a new value other than None. */
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
