import type { Page } from '../page/page';
import { stringifyId, type Id } from '../wire/id';
import { isPattern } from '../wire/pattern';
import { isNoUpdate, isPatch, type Update } from '../wire/update';

type Props = Record<string, unknown>;

/** The source of an update: a job. Its values stay on the page while it lives. */
type Source = { readonly ended: boolean };

/** An update to apply later, with its source unless the page has shown it once. */
type Deferred = [...update: Update, source?: Source | undefined];

/** Applies updates in order. Those for a component that is not there wait for it. */
export class Updates {
    readonly #page: Page;
    /** Updates for components that are not on the page; no list is empty. */
    readonly #absent = new Map<string, Deferred[]>();
    /** The values that live jobs have set, by component, whether shown or not. */
    readonly #streams = new Map<string, Deferred[]>();

    constructor(page: Page) {
        this.#page = page;
    }

    get waiting(): boolean {
        return this.#absent.size > 0;
    }

    /** Whether updates wait for a component. */
    waitFor(id: Id): boolean {
        return this.#absent.has(stringifyId(id));
    }

    /** Whether the page has never shown some update of this source. */
    hasUnshown(source: Source): boolean {
        return [...this.#absent.values()]
            .flat()
            .some((update) => update[3] === source);
    }

    apply(updates: (Update | Deferred)[], source?: Source): void {
        const wanted = updates.filter(([, , value]) => !isNoUpdate(value));
        for (const [id, props] of calls(this.#expand(wanted))) {
            if (source && !source.ended) {
                defer(this.#streams, id, props, source);
            }
            if (this.#page.path(id)) {
                // An update before this one may have brought the component.
                this.#release(stringifyId(id));
                this.#set(id, Object.fromEntries(props));
            } else {
                defer(this.#absent, id, props, source);
            }
        }
    }

    /** Keep values that components show, for those that leave and come back. */
    keep(shown: Update[], source: Source): void {
        for (const [id, props] of calls(shown)) {
            defer(this.#streams, id, props, source);
        }
    }

    /** Apply the updates of components that are on the page now. */
    flush(): void {
        this.#restoreStreams();
        // Each may bring components for which others wait.
        for (let key = this.#arrived(); key; key = this.#arrived()) {
            this.#release(key);
        }
    }

    /** A component that has left comes back without what jobs streamed to it. */
    #restoreStreams(): void {
        for (const [key, updates] of this.#streams) {
            const live = updates.filter(([, , , source]) => !source?.ended);
            const [first] = live;
            if (first) {
                this.#streams.set(key, live);
            } else {
                this.#streams.delete(key);
            }
            if (first && !this.#absent.has(key) && !this.#page.path(first[0])) {
                // Without a source, since the page has shown it once.
                this.#absent.set(
                    key,
                    live.map(([id, property, value]) => [id, property, value]),
                );
            }
        }
    }

    /** Replace patterns by the components that match them. */
    #expand(updates: (Update | Deferred)[]): (Update | Deferred)[] {
        return updates.flatMap((update) => {
            const [pattern, property, value] = update;
            return isPattern(pattern)
                ? this.#page
                      .find(pattern)
                      .map((id): Update => [id, property, value])
                : [update];
        });
    }

    #arrived(): string | undefined {
        for (const [key, [update]] of this.#absent) {
            if (update && this.#page.path(update[0])) {
                return key;
            }
        }
        return undefined;
    }

    #release(key: string): void {
        const updates = this.#absent.get(key);
        if (updates) {
            this.#absent.delete(key);
            this.apply(updates);
        }
    }

    #set(id: Id, props: Props): void {
        try {
            this.#page.setProps(id, props);
        } catch (error) {
            this.#page.report(
                `${stringifyId(id)} can't take its update: ${String(error)}`,
            );
        }
    }
}

/** Add updates of a component to a list, without those that they supersede. */
function defer(
    lists: Map<string, Deferred[]>,
    id: Id,
    props: Map<string, unknown>,
    source: Source | undefined,
): void {
    const key = stringifyId(id);
    let updates = lists.get(key) ?? [];
    for (const [property, value] of props) {
        if (!isPatch(value)) {
            updates = updates.filter(([, name]) => name !== property);
        }
        // In place: a stream may have many thousands of Patches.
        updates.push([id, property, value, source]);
    }
    lists.set(key, updates);
}

/** Return the fewest calls that apply these updates in their order. */
function calls(
    updates: (Update | Deferred)[],
): [Id, props: Map<string, unknown>][] {
    const result: [Id, Map<string, unknown>][] = [];
    let last: [Id, Map<string, unknown>] | undefined;
    for (const [id, property, value] of updates) {
        if (
            !last ||
            stringifyId(last[0]) !== stringifyId(id) ||
            last[1].has(property)
        ) {
            last = [id, new Map()];
            result.push(last);
        }
        last[1].set(property, value);
    }
    return result;
}
