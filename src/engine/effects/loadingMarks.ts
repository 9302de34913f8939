import type { LoadingMark } from '../page/dashState';
import type { Page } from '../page/page';
import { stringifyId, type Id } from '../wire/id';

/** Marks the outputs of live jobs as loading, for `dcc.Loading`. */
export class LoadingMarks {
    readonly #page: Page;
    /** By path, so that a component that moves takes its mark along. */
    #shown = new Map<string, LoadingMark>();

    constructor(page: Page) {
        this.#page = page;
    }

    /** Mark those of these outputs that are on the page, and no others. */
    show(outputs: [id: Id, property: string][]): void {
        const wanted = new Map<string, LoadingMark>();
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
