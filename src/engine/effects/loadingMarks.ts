import { stringifyId, type Id } from '../wire/id';
import type { Mark, Page } from '../page/page';

/** Keeps the outputs of live jobs marked as loading. */
export class Marks {
    readonly #page: Page;
    /** By where it is: a component that moves takes its mark along. */
    #shown = new Map<string, Mark>();

    constructor(page: Page) {
        this.#page = page;
    }

    /** Marks these outputs, as far as they are on the page, and no others. */
    show(outputs: [id: Id, property: string][]): void {
        const wanted = new Map<string, Mark>();
        for (const [id, property] of outputs) {
            const path = this.#page.path(id);
            if (path) {
                const mark = { path, property, id: stringifyId(id) };
                wanted.set(JSON.stringify(mark), mark);
            }
        }
        const stale = [...this.#shown].filter(([key]) => !wanted.has(key));
        this.#shown = wanted;
        if (stale.length > 0) {
            this.#page.unmark(stale.map(([, mark]) => mark));
        }
        const missing = [...wanted.values()].filter(
            (mark) => !this.#page.isMarked(mark),
        );
        if (missing.length > 0) {
            this.#page.mark(missing);
        }
    }
}
