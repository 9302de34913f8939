import type { Handle } from '../engine/handle';

/** A handle that holds nothing but what a test gives it. */
export function handle(token: string, more: Partial<Handle> = {}): Handle {
    return {
        token,
        run: token,
        slot: token,
        seq: 0,
        retrigger: 'replace',
        interval: 1000,
        outputs: [],
        running: [],
        progress: [],
        cancel: [],
        ...more,
    };
}
