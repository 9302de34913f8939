import {
    useCallback,
    useEffect,
    useLayoutEffect,
    useState,
    useSyncExternalStore,
} from 'react';
import type { Run } from '../../engine/state/run';
import { useDashStore } from '../hooks/hooks';

/** Milliseconds for which a toast stays, unless the user is at it. */
const TOAST_MS = 10_000;

/** Whether a job is of the page with this path, whatever the query. */
export function isAt({ location }: Run, path: string): boolean {
    return location.split('?')[0] === path;
}

/** Return whether the user is at an element, and the event handlers that tell. */
export function useInUse() {
    const [isPointedAt, setPointedAt] = useState(false);
    const [hasFocus, setFocus] = useState(false);
    const handlers = {
        onPointerEnter: () => {
            setPointedAt(true);
        },
        onPointerLeave: () => {
            setPointedAt(false);
        },
        onFocus: () => {
            setFocus(true);
        },
        onBlur: () => {
            setFocus(false);
        },
    };
    return [isPointedAt || hasFocus, handlers] as const;
}

/** Close the toast of a run after its time, and on the page that shows the run itself. */
export function useGoing(
    run: Run,
    isInUse: boolean,
    close: (id: string) => void,
): void {
    const { id } = run;
    const isHere = isAt(run, usePath());

    useLayoutEffect(() => {
        if (isHere) {
            close(id);
        }
    }, [isHere, id, close]);

    useEffect(() => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const restart = () => {
            clearTimeout(timer);
            if (!isInUse && !document.hidden) {
                timer = setTimeout(close, TOAST_MS, id);
            }
        };
        restart();
        document.addEventListener('visibilitychange', restart);
        return () => {
            clearTimeout(timer);
            document.removeEventListener('visibilitychange', restart);
        };
    }, [isInUse, id, close]);
}

/** Return the path of the page. Dash's store changes whenever the page does. */
function usePath(): string {
    const dashStore = useDashStore();
    return useSyncExternalStore(
        useCallback((changed) => dashStore.subscribe(changed), [dashStore]),
        () => location.pathname,
    );
}
