import { useEffect } from 'react';
import { useDashStore } from '../hooks/hooks';

/** With a no-break space, so that a title that begins with a number stays as it is. */
const BADGE = /^\(\d+\)\u00a0/;

/** The number of each tray of the page. Two that write their own would never stop. */
const counts = new Map<symbol, number>();

/** Put a number before the title of the tab, unless it is 0; of several, the largest. */
export function useBadge(count: number): void {
    const dashStore = useDashStore();

    useEffect(() => {
        const tray = Symbol('tray');
        const show = () => {
            const { update_title } = dashStore.getState().config;
            const title = document.title.replace(BADGE, '');
            const most = Math.max(0, ...counts.values());
            const badge = most > 0 ? `(${most})\u00a0` : '';
            // Dash recognises its "Updating..." only by the exact text.
            const wanted = title === update_title ? title : badge + title;
            if (document.title !== wanted) {
                document.title = wanted;
            }
        };
        counts.set(tray, count);
        show();
        // Dash and apps change the title, too.
        const observer = new MutationObserver(show);
        observer.observe(document.head, {
            childList: true,
            characterData: true,
            subtree: true,
        });
        return () => {
            observer.disconnect();
            counts.delete(tray);
            show();
        };
    }, [dashStore, count]);
}
