import { useEffect, useRef, useState } from 'react';
import { engineOf } from '../engine/engines';
import type { Run } from '../engine/state/run';
import { isFinal } from '../engine/wire/snapshot';
import { useStore } from './hooks';
import { nameOf, type Labels } from './labels';
import { milestoneOf } from './words';

/**
 * Tells who allows it of a job that ends while nobody sees the page.
 *
 * Returns what asks for the permission, as long as it may be asked for.
 */
export function useNotices(
    isWanted: boolean,
    runs: readonly Run[],
    labels: Labels,
): (() => void) | undefined {
    const store = useStore();
    const live = useRef(new Set<string>());
    const [permission, setPermission] = useState(permissionNow);

    useEffect(() => {
        for (const run of runs) {
            const { id, status, name } = run;
            if (!isFinal(status)) {
                live.current.add(id);
            } else if (
                live.current.delete(id) &&
                isWanted &&
                document.hidden &&
                permission === 'granted'
            ) {
                notify(
                    nameOf(name, labels),
                    milestoneOf(run, labels),
                    id,
                    () => {
                        engineOf(store).visit(id);
                    },
                );
            }
        }
    }, [runs, labels, isWanted, permission, store]);

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
        // The tag makes one notice of those of several trays.
        const notice = new Notification(title, { body, tag });
        notice.onclick = () => {
            focus();
            notice.close();
            onClick();
        };
    } catch {
        // Browsers on phones have them for service workers only.
    }
}
