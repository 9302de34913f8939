import type { Handle } from '../wire/handle';
import { fitsProp } from '../wire/pattern';

/** Which page has triggered something, and in which order it did so. */
export type Stamp = {
    page: string;
    seq: number;
    /** Live jobs in lanes from before the page was loaded. */
    resumed?: [callbackKey: string, page: string, inputDigests: string[]][];
    /** Nobody has done anything on the page since it was loaded. */
    untouched?: boolean;
    /** It only says what the callback's own last result has set. */
    ownResult?: true;
};

/** The order in which the page triggers things, whatever order answers come in. */
export class Stamps {
    /** Another one whenever the page is loaded, in another tab too. */
    readonly #page = randomName();
    #last = 0;
    readonly #cancels = new Map<string, number>();

    next(): Stamp {
        return { page: this.#page, seq: ++this.#last };
    }

    /** Goes on from a stamp that the page bore when it was loaded before. */
    pass(seq: number): void {
        this.#last = Math.max(this.#last, seq);
    }

    /** Notes that cancel Inputs have changed. */
    cancel(propIds: string[]): void {
        this.#stamp(propIds);
        // An event that both cancels and starts may stamp the start after us.
        setTimeout(() => {
            this.#stamp(propIds);
        });
    }

    /** Whether one of these cancel Inputs has changed since the stamp. */
    cancelledSince(seq: number, targets: Handle['cancel']): boolean {
        return [...this.#cancels].some(
            ([propId, cancelled]) =>
                cancelled > seq &&
                targets.some((target) => fitsProp(target, propId)),
        );
    }

    #stamp(propIds: string[]): void {
        const { seq } = this.next();
        for (const propId of propIds) {
            this.#cancels.set(propId, seq);
        }
    }
}

/** Not `randomUUID`, which pages on plain HTTP don't have. */
function randomName(): string {
    return crypto.getRandomValues(new Uint32Array(3)).join('-');
}
