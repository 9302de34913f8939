import type { TriggerInfo } from '../wire/callbackRequest';
import type { Handle } from '../wire/handle';
import { fitsProp } from '../wire/pattern';

/** The order in which the page triggers starts and cancels. Answers may overtake. */
export class TriggerOrder {
    /** A new id whenever a tab loads the page. */
    readonly #page = randomId();
    #last = 0;
    /** `seq` of the last change of each cancel Input. */
    readonly #cancels = new Map<string, number>();

    next(): TriggerInfo {
        return { page: this.#page, seq: ++this.#last };
    }

    /**
     * Continue after a `seq` that another page of the tab gave. The cancels of this page
     * were before that, whatever their numbers.
     */
    continueAfter(seq: number): void {
        this.#last = Math.max(this.#last, seq);
        this.#cancels.clear();
    }

    /** Record that cancel Inputs have changed. */
    cancel(propIds: string[]): void {
        this.#record(propIds);
        // If one event both cancels and starts, the start may get its number after us.
        setTimeout(() => {
            this.#record(propIds);
        });
    }

    /** Whether one of these cancel Inputs has changed since a trigger. */
    cancelledSince(seq: number, targets: Handle['cancel']): boolean {
        return [...this.#cancels].some(
            ([propId, cancelled]) =>
                cancelled > seq &&
                targets.some((target) => fitsProp(target, propId)),
        );
    }

    #record(propIds: string[]): void {
        const { seq } = this.next();
        for (const propId of propIds) {
            this.#cancels.set(propId, seq);
        }
    }
}

/** Pages on plain HTTP have no `randomUUID`. */
function randomId(): string {
    return crypto.getRandomValues(new Uint32Array(3)).join('-');
}
