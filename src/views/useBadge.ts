import { useEffect } from 'react';
import { useDashStore } from './hooks';

/** With a no-break space, so that a title that begins with a number stays as it is. */
const BADGE = /^\(\d+\)\u00a0/;

/** Put a number before the title of the tab, unless it is 0. */
export function useBadge(count: number): void {
    const dashStore = useDashStore();

    useEffect(() => {
        const show = (badge: string) => {
            const { update_title } = dashStore.getState().config;
            const title = document.title.replace(BADGE, '');
            // Dash recognises its "Updating..." only by the exact text.
            const wanted = title === update_title ? title : badge + title;
            if (document.title !== wanted) {
                document.title = wanted;
            }
        };
        const badge = count > 0 ? `(${count})\u00a0` : '';
        show(badge);
        // Dash and apps change the title, too.
        const observer = new MutationObserver(() => {
            show(badge);
        });
        observer.observe(document.head, {
            childList: true,
            characterData: true,
            subtree: true,
        });
        return () => {
            observer.disconnect();
            show('');
        };
    }, [dashStore, count]);
}
