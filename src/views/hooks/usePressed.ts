import { useEffect, useState } from 'react';
import type { DashStore } from '../../engine/page/dashState';
import { propIdOf, type Id } from '../../engine/wire/id';
import { useDashStore } from './hooks';

const LOOK_MS = 250;

/**
 * Return whether a button was pressed and its job is yet to come, and what presses it.
 *
 * A click may start no job. So the button comes up once the page waits for no callback
 * that the click has called; at the second look, since a job's handle takes its time to
 * the engine.
 */
export function usePressed(id: Id, isLive: boolean): [boolean, () => void] {
    const dashStore = useDashStore();
    const [isPressed, setPressed] = useState(false);
    const propId = propIdOf(id, 'n_clicks');
    if (isPressed && isLive) {
        setPressed(false);
    }

    useEffect(() => {
        if (!isPressed) {
            return;
        }
        let idle = 0;
        const timer = setInterval(() => {
            idle = isCalling(dashStore, propId) ? 0 : idle + 1;
            if (idle > 1) {
                setPressed(false);
            }
        }, LOOK_MS);
        return () => {
            clearInterval(timer);
        };
    }, [isPressed, propId, dashStore]);

    return [
        isPressed && !isLive,
        () => {
            setPressed(true);
        },
    ];
}

/** Whether a change of a property has called a callback that is still under way. */
function isCalling(dashStore: DashStore, propId: string): boolean {
    const called = Object.values(dashStore.getState().callbacks).flatMap(
        (stage) => (typeof stage === 'number' ? [] : stage),
    );
    return called.some(
        ({ callback, changedPropIds, predecessors = [] }) =>
            !callback.persistent &&
            (propId in changedPropIds ||
                predecessors.some(({ inputs }) =>
                    inputs.some(
                        ({ id, property }) => propIdOf(id, property) === propId,
                    ),
                )),
    );
}
