import { Listeners } from '../state/listeners';
import { thisBrowser, type Browser } from './browser';

export type ConnectionState = 'online' | 'reconnecting' | 'offline';

/**
 * Whether the page reaches the server, judged by its requests and by the browser.
 *
 *     online ──failure──> reconnecting ──success──> online
 *        └──the browser says so──> offline ──success, or the browser says so──┘
 *
 * A success outweighs what the browser says: on a virtual machine without a network
 * the browser reports "offline" although it reaches a server on the same machine.
 */
export class Connection {
    readonly #browser: Browser;
    #isFailing = false;
    /** The browser says that there is no network, and no request has succeeded since. */
    #isCut: boolean;
    #wasOffline: boolean;
    #shown: ConnectionState;
    readonly #listeners = new Listeners();
    readonly #returns = new Listeners();
    readonly #hides = new Listeners();
    /** Call back after every change of the state. */
    readonly watch = this.#listeners.watch;
    /** Call back when the page becomes visible again, or its network is back. */
    readonly onReturn = this.#returns.watch;
    /** Call back when the page is hidden, also since the user leaves it. */
    readonly onHide = this.#hides.watch;

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

    /** The user can't see the page: its tab is in the background. */
    get isHidden(): boolean {
        return this.#browser.isHidden;
    }

    /** The server has answered a request, with whatever result. */
    succeeded(): void {
        this.#isFailing = this.#isCut = false;
        this.#show();
    }

    /** A request got no usable answer. */
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
        if (isHidden) {
            this.#hides.tell();
        } else if (!this.#isCut) {
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
