import { useEffect, useState } from 'react';
import { loadLibrary } from '../../engine/page/libraries';

const RETRY_MS = 5000;

/** Known while the script runs only. */
const main = document.currentScript as HTMLScriptElement | null;

/**
 * Return what another script of the package defines; undefined until it is there.
 *
 * Its URL has the version that Dash has put into that of the main script.
 */
export function useScript<N extends 'details' | 'languages' | 'tray'>(
    name: N,
    isWanted: boolean,
): Window[`dash_long_components_${N}`] {
    const [loads, setLoads] = useState(0);
    const found = window[`dash_long_components_${name}`];
    const isMissing = isWanted && !found;

    useEffect(() => {
        if (!isMissing || !main) {
            return;
        }
        let timer: ReturnType<typeof setTimeout> | undefined;
        const look = () => {
            setLoads(loads + 1);
        };
        const url = main.src.replace(/dash_long_components(?=[^/]*$)/, name);
        loadLibrary({ type: '_js_dist', url }).then(look, () => {
            timer = setTimeout(look, RETRY_MS);
        });
        return () => {
            clearTimeout(timer);
        };
    }, [isMissing, name, loads]);

    return found;
}
