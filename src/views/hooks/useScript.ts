import { useEffect, useState } from 'react';
import { loadScript } from '../../engine/page/libraries';

const RETRY_MS = 5000;

/** Return what another script of the package defines; undefined until it is there. */
export function useScript<N extends 'details' | 'languages' | 'tray'>(
    name: N,
    isWanted: boolean,
): Window[`dash_long_components_${N}`] {
    const [loads, setLoads] = useState(0);
    const found = window[`dash_long_components_${name}`];
    const isMissing = isWanted && !found;

    useEffect(() => {
        if (!isMissing) {
            return;
        }
        let timer: ReturnType<typeof setTimeout> | undefined;
        const look = () => {
            setLoads(loads + 1);
        };
        loadScript(name)?.then(look, () => {
            timer = setTimeout(look, RETRY_MS);
        });
        return () => {
            clearTimeout(timer);
        };
    }, [isMissing, name, loads]);

    return found;
}
