/**
 * Tabs of a browser that may hold a poll at once. On HTTP/1.1 all tabs share six
 * connections to a server, and an app's own callbacks need the others.
 */
const TABS = 2;
/** A tab that crashes keeps its slot for so long. */
const LEASE_MS = 60_000;
const KEY = '_dash-long-jobs-held';

type Leases = Record<string, number>;

/**
 * The right of this page to hold a poll, shared with all tabs of the browser.
 *
 * Two tabs may take the last slot in the same moment: then there is one more, which
 * does no harm. `navigator.locks` would be exact, but exists on HTTPS only.
 */
export class HoldSlot {
    readonly #id = Math.random().toString(36).slice(2);

    /** Take a slot, or keep the one that this page has. Returns whether it has one. */
    take(): boolean {
        try {
            const now = Date.now();
            const leases = this.#leases(now);
            const mine = leases[this.#id] ?? 0;
            if (Object.keys(this.#without(leases)).length >= TABS) {
                return false;
            }
            if (mine < now + LEASE_MS / 2) {
                this.#save({ ...leases, [this.#id]: now + LEASE_MS });
            }
            return true;
        } catch {
            // No storage: then this page can't know how many others hold a poll.
            return false;
        }
    }

    /** Leave the slot to other tabs. */
    leave(): void {
        try {
            const leases = this.#leases(Date.now());
            if (this.#id in leases) {
                this.#save(this.#without(leases));
            }
        } catch {
            // No storage.
        }
    }

    /** Return until when each tab has its slot, without those that are over. */
    #leases(now: number): Leases {
        const leases = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Leases;
        return only(leases, (_, end) => end > now && end <= now + LEASE_MS);
    }

    #without(leases: Leases): Leases {
        return only(leases, (id) => id !== this.#id);
    }

    #save(leases: Leases): void {
        localStorage.setItem(KEY, JSON.stringify(leases));
    }
}

function only(
    leases: Leases,
    predicate: (id: string, end: number) => boolean,
): Leases {
    return Object.fromEntries(
        Object.entries(leases).filter((lease) => predicate(...lease)),
    );
}
