import type { Handle } from '../engine/wire/handle';
import type { JobHandle } from '../engine/state/job';

/** Return a handle with only what a test gives it. */
export function handle(
    token: string,
    more: Partial<JobHandle> = {},
): JobHandle {
    return {
        token,
        run: token,
        callbackKey: token,
        inputDigests: [],
        seq: 0,
        page: 'page',
        retrigger: 'replace',
        interval: 1000,
        outputs: [],
        running: [],
        progress: [],
        cancel: [],
        ...more,
    };
}

/** Return the handle of a cached result. */
export function hit(run: string, more: Partial<Handle> = {}): Handle {
    return {
        ...handle(run, { cached: { duration: 2, age: 1 } }),
        ...more,
        token: null,
    };
}
