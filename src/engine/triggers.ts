import { OwnResults } from './page/ownResults';
import type { Page } from './page/page';
import { TriggerOrder } from './page/triggerOrder';
import type { Jobs } from './state/jobs';
import type {
    CallbackRequest,
    Resumed,
    TriggerInfo,
} from './wire/callbackRequest';

/** Describes the page's triggers to the server. */
export class Triggers {
    readonly #page: Page;
    readonly #jobs: Jobs;
    readonly order = new TriggerOrder();
    readonly ownResults = new OwnResults();

    constructor(page: Page, jobs: Jobs) {
        this.#page = page;
        this.#jobs = jobs;
    }

    /** Return the info to add to a request that Dash is about to send. */
    infoFor(request: CallbackRequest): TriggerInfo {
        const info = this.next();
        if (this.ownResults.take(request)) {
            info.ownResult = true;
        }
        return info;
    }

    next(): TriggerInfo {
        const info = this.order.next();
        info.location = this.#page.location;
        const resumed = this.#jobs.live.filter(
            ({ handle }) => handle.page !== info.page,
        );
        if (resumed.length > 0) {
            info.resumed = resumed.map(({ handle }): Resumed => {
                const { callbackKey, page, inputDigests, refreshes } = handle;
                return refreshes
                    ? [callbackKey, page, inputDigests, true]
                    : [callbackKey, page, inputDigests];
            });
            info.untouched = this.#page.isUntouched;
        }
        return info;
    }
}
