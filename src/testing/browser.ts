import type { Browser } from '../engine/network/browser';

/** A browser with a visible tab and a network, until a test changes that. */
export class FakeBrowser implements Browser {
    isHidden = false;
    isOffline = false;
    readonly #watchers: (() => void)[] = [];

    watch(changed: () => void): void {
        this.#watchers.push(changed);
    }

    /** Change the state, or only call back, as after the browser had frozen the page. */
    change(state: { isHidden?: boolean; isOffline?: boolean } = {}): void {
        Object.assign(this, state);
        for (const watcher of this.#watchers) {
            watcher();
        }
    }
}
