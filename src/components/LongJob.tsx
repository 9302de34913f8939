import { useEffect, useLayoutEffect } from 'react';
import { currentProps, useDashContext } from '../engine/dash';
import { engineOf } from '../engine/engines';
import type { Handle } from '../engine/handle';

type Props = {
    /**
     * The ID of this component, used to identify it in callbacks.
     */
    id?: string;
    /**
     * New jobs to follow, by a name of their own. Set by the server when a job
     * starts; the component takes them out at once.
     */
    handles?: object;
    /**
     * Reports property changes to Dash.
     */
    setProps?: (props: Partial<Props>) => void;
};

/**
 * Follows the long callbacks of a page: shows that they run, how far they are,
 * and what they return. `init_app` adds one to every layout.
 */
export default function LongJob({ handles, setProps }: Props): null {
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
        const { handles: current = {} } = currentProps(componentPath) as Props;
        const taken = Object.values(current) as Handle[];
        if (taken.length > 0) {
            setProps?.({ handles: {} });
            engineOf(store).take(taken);
        }
    }, [handles, componentPath, setProps, store]);

    return null;
}
