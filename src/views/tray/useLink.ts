import { useEffect } from 'react';
import { engineOf } from '../../engine/engines';
import { linked } from '../../engine/page/link';
import { useDashStore } from '../hooks/hooks';
import { LinkedJob } from './linkedJob';

/** Once for each load of the page, however many trays it has. */
let isOpened = false;

/** Open the job of the link that has led to the page. `failed` tells that it can't. */
export function useLink(failed: () => void): void {
    const dashStore = useDashStore();

    useEffect(() => {
        if (linked && !isOpened) {
            isOpened = true;
            void new LinkedJob(engineOf(dashStore), linked, failed).open();
        }
    });
}
