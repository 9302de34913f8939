/** What the browser says of the page and of the network. */
export type Browser = {
    /** Nobody sees the page. */
    readonly isHidden: boolean;
    /** There is no network, as far as the browser knows. */
    readonly isOffline: boolean;
    /**
     * Calls back when one of these may have changed, or when the page goes on
     * after the browser had frozen it.
     */
    watch(changed: () => void): void;
};

/** The browser that this runs in. */
export const thisBrowser: Browser = {
    get isHidden() {
        return document.hidden;
    },
    get isOffline() {
        return !navigator.onLine;
    },
    watch(changed) {
        for (const event of [
            'visibilitychange',
            'resume',
            'online',
            'offline',
            'pageshow',
        ]) {
            // Captured: those of the document need not bubble up to the window.
            window.addEventListener(event, changed, true);
        }
    },
};
