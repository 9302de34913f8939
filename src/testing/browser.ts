import type { Browser } from '../engine/network/browser';

/** A browser whose tab is seen and that has a network, until a test says otherwise. */
export class FakeBrowser implements Browser {
    isHidden = false;
    isOffline = false;
    readonly #watchers: (() => void)[] = [];

    watch(changed: () => void): void {
        this.#watchers.push(changed);
    }

    /** Changes, or only calls: as after the browser had frozen the page. */
    change(state: { isHidden?: boolean; isOffline?: boolean } = {}): void {
        Object.assign(this, state);
        for (const watcher of this.#watchers) {
            watcher();
        }
    }
}
