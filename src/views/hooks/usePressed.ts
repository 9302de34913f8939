import { useEffect, useState } from 'react';
import { useDashStore } from './hooks';

const LOOK_MS = 250;

/**
 * Return whether a button was pressed and its job is yet to come, and what presses it.
 *
 * A click may start no job. So the button comes up once the page waits for no answer of
 * the server; at the second look, since a job's handle takes its time to the engine.
 */
export function usePressed(isLive: boolean): [boolean, () => void] {
    const dashStore = useDashStore();
    const [isPressed, setPressed] = useState(false);

    useEffect(() => {
        if (!isPressed) {
            return;
        }
        let idle = 0;
        const timer = setInterval(() => {
            idle = dashStore.getState().isLoading ? 0 : idle + 1;
            if (idle > 1) {
                setPressed(false);
            }
        }, LOOK_MS);
        return () => {
            clearInterval(timer);
        };
    }, [isPressed, dashStore]);

    return [
        isPressed && !isLive,
        () => {
            setPressed(true);
        },
    ];
}
