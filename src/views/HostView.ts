import { useEffect, useLayoutEffect } from 'react';
import { currentProps, useDashContext } from '../engine/page/dashApi';
import { engineOf } from '../engine/engines';
import { handlesIn } from '../engine/wire/handle';

type Props = {
    handles: object;
    setProps: ((props: Record<string, unknown>) => void) | undefined;
};

/** Hands new jobs to the engine. It shows nothing. */
export function HostView({ handles, setProps }: Props): null {
    const { componentPath, useStore } = useDashContext();
    const store = useStore();

    // Before the page sends its first callback requests, so that they are stamped.
    useLayoutEffect(() => {
        engineOf(store);
    }, [store]);

    // Not sooner: components that have only been rendered yet miss an update.
    useEffect(() => {
        engineOf(store).resume();
    }, [store]);

    useEffect(() => {
        // More may have come since this rendering: what is taken out of the
        // property must be what was read from it, with nothing in between.
        const { handles: current } = currentProps(componentPath);
        const taken = handlesIn(current as object | undefined);
        if (taken.length > 0) {
            setProps?.({ handles: {} });
            engineOf(store).take(taken);
        }
    }, [handles, componentPath, setProps, store]);

    return null;
}
