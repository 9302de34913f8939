/** The state of the page and of the network, as the browser knows it. */
export type Browser = {
    /** The user can't see the page: its tab is in the background. */
    readonly isHidden: boolean;
    /** There is no network, as far as the browser knows. */
    readonly isOffline: boolean;
    /**
     * Call back when one of these may have changed, and when the page continues
     * after the browser had frozen it.
     */
    watch(changed: () => void): void;
};

/** The browser that runs this code. */
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
            // Capture them: events of the document may not bubble to the window.
            window.addEventListener(event, changed, true);
        }
    },
};
