import { useState } from 'react';
import { engineOf } from '../../engine/engines';
import type { Run } from '../../engine/state/run';
import { visit } from '../../engine/page/visit';
import { isTerminal } from '../../engine/wire/snapshot';
import { useDashStore } from '../hooks/hooks';
import { nameOf, type Labels } from '../texts/labels';
import { milestoneOf } from '../texts/runTexts';
import { useEnds, useQuestions } from './useEnds';

/**
 * Show a notification when a job ends or asks something while the page is hidden, if the
 * user allows it.
 *
 * Returns a function that asks for the permission, unless the user has answered.
 */
export function useNotices(
    isWanted: boolean,
    runs: readonly Run[],
    labels: Labels,
    /** Opens the tray, for a job that asks and has no view. */
    open: () => void,
): (() => void) | undefined {
    const dashStore = useDashStore();
    const [permission, setPermission] = useState(permissionNow);

    const tell = (run: Run) => {
        if (isWanted && document.hidden && permission === 'granted') {
            notify(
                nameOf(run, labels),
                milestoneOf(run, performance.now(), labels),
                // A notification with an old tag replaces that one without a sound.
                run.id + (run.question?.id ?? ''),
                () => {
                    if (isTerminal(run.status)) {
                        engineOf(dashStore).visit(run.id);
                    } else if (run.view) {
                        visit(run.location, run.view);
                    } else {
                        open();
                    }
                },
            );
        }
    };
    useEnds(runs, tell);
    useQuestions(runs, tell);

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
