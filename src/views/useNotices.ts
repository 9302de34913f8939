import { useState } from 'react';
import { engineOf } from '../engine/engines';
import type { Run } from '../engine/state/run';
import { useDashStore } from './hooks';
import { nameOf, type Labels } from './labels';
import { milestoneOf } from './runTexts';
import { useEnds } from './useEnds';

/**
 * Show a notification when a job ends while the page is hidden, if the user allows it.
 *
 * Returns a function that asks for the permission, unless the user has answered.
 */
export function useNotices(
    isWanted: boolean,
    runs: readonly Run[],
    labels: Labels,
): (() => void) | undefined {
    const dashStore = useDashStore();
    const [permission, setPermission] = useState(permissionNow);

    useEnds(runs, (run) => {
        if (isWanted && document.hidden && permission === 'granted') {
            notify(
                nameOf(run, labels),
                milestoneOf(run, performance.now(), labels),
                run.id,
                () => {
                    engineOf(dashStore).visit(run.id);
                },
            );
        }
    });

    return isWanted && permission === 'default'
        ? () => void Notification.requestPermission().then(setPermission)
        : undefined;
}

function permissionNow(): NotificationPermission {
    return 'Notification' in window ? Notification.permission : 'denied';
}

function notify(
    title: string,
    body: string,
    tag: string,
    onClick: () => void,
): void {
    try {
        // With the same tag, several trays show one notification.
        const notice = new Notification(title, { body, tag });
        notice.onclick = () => {
            focus();
            notice.close();
            onClick();
        };
    } catch {
        // Browsers on phones allow notifications only from service workers.
    }
}
