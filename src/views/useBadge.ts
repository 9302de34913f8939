import { useEffect } from 'react';
import { useStore } from './hooks';

/** With a blank that titles don't have there, so that they are left alone. */
const BADGE = /^\(\d+\)\u00a0/;

/** Puts a number before the title of the tab, unless it is 0. */
export function useBadge(count: number): void {
    const store = useStore();

    useEffect(() => {
        const show = (badge: string) => {
            const { update_title } = store.getState().config;
            const title = document.title.replace(BADGE, '');
            // Dash knows its "Updating..." by the text alone.
            const wanted = title === update_title ? title : badge + title;
            if (document.title !== wanted) {
                document.title = wanted;
            }
        };
        const badge = count > 0 ? `(${count})\u00a0` : '';
        show(badge);
        // Dash changes it, and so do apps.
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
    }, [store, count]);
}
