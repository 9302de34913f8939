import { useEffect, useLayoutEffect } from 'react';
import { currentProps, useDashContext } from '../engine/page/dashApi';
import { engineOf } from '../engine/engines';
import { handlesIn } from '../engine/wire/handle';

type Props = {
    handles: object;
    setProps: ((props: Record<string, unknown>) => void) | undefined;
};

/** Passes new handles to the engine. It shows nothing. */
export function HostView({ handles, setProps }: Props): null {
    const { componentPath, useStore } = useDashContext();
    const dashStore = useStore();

    // Before the page sends its first callback requests: they need trigger info.
    useLayoutEffect(() => {
        engineOf(dashStore);
    }, [dashStore]);

    // Not sooner: a component that has rendered but not mounted misses an update.
    useEffect(() => {
        engineOf(dashStore).resume();
    }, [dashStore]);

    useEffect(() => {
        // More handles may have come since this rendering. Read the property and
        // empty it without a step in between, so that none is lost.
        const { handles: current } = currentProps(componentPath);
        const taken = handlesIn(current as object | undefined);
        if (taken.length > 0) {
            setProps?.({ handles: {} });
            engineOf(dashStore).take(taken);
        }
    }, [handles, componentPath, setProps, dashStore]);

    return null;
}
