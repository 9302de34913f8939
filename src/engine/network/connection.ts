import { thisBrowser, type Browser } from './browser';
import { Listeners } from '../state/listeners';

export type ConnectionState = 'online' | 'reconnecting' | 'offline';

/**
 * Whether the page gets through to the server, as its requests and the browser say.
 *
 *     online ──failure──> reconnecting ──success──> online
 *        └──the browser says so──> offline ──success, or the browser says so──┘
 *
 * A success counts for more than what the browser says, which takes a virtual
 * machine's missing network for that of the server beside it.
 */
export class Connection {
    readonly #browser: Browser;
    #isFailing = false;
    /** The browser says that there is no network, and no request has belied it. */
    #isCut: boolean;
    #wasOffline: boolean;
    #shown: ConnectionState;
    readonly #listeners = new Listeners();
    readonly #returns = new Listeners();
    /** Calls back with every new state. */
    readonly watch = this.#listeners.watch;
    /** Calls back when the page is seen again, or has its network back. */
    readonly onReturn = this.#returns.watch;

    constructor(browser: Browser = thisBrowser) {
        this.#browser = browser;
        this.#isCut = this.#wasOffline = browser.isOffline;
        this.#shown = this.state;
        browser.watch(() => {
            this.#look();
        });
    }

    get state(): ConnectionState {
        if (this.#isCut || (this.#isFailing && this.#browser.isOffline)) {
            return 'offline';
        }
        return this.#isFailing ? 'reconnecting' : 'online';
    }

    /** Nobody sees the page. */
    get isHidden(): boolean {
        return this.#browser.isHidden;
    }

    /** The server has answered a request, whatever it said. */
    succeeded(): void {
        this.#isFailing = this.#isCut = false;
        this.#show();
    }

    /** A request got no answer that counts. */
    failed(): void {
        this.#isFailing = true;
        this.#show();
    }

    #look(): void {
        const { isHidden, isOffline } = this.#browser;
        if (isOffline !== this.#wasOffline) {
            this.#isCut = this.#wasOffline = isOffline;
        }
        this.#show();
        if (!isHidden && !this.#isCut) {
            this.#returns.tell();
        }
    }

    #show(): void {
        if (this.#shown !== this.state) {
            this.#shown = this.state;
            this.#listeners.tell();
        }
    }
}
