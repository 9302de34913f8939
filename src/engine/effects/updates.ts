import { stringifyId, type Id } from '../wire/id';
import type { Page } from '../page/page';
import { isPattern } from '../wire/pattern';
import { isPatch, type Update } from '../wire/update';

type Props = Record<string, unknown>;

/** Whose an update is: a job, which shows what it has set for as long as it lives. */
type Source = { readonly ended: boolean };

/** With its source if it has not been shown yet. */
type Held = [...update: Update, source?: Source | undefined];

/** Applies updates in order; those of a component that is not there wait for it. */
export class Updates {
    readonly #page: Page;
    /** By component, never empty. */
    readonly #absent = new Map<string, Held[]>();
    /** By component, what live jobs have set, shown or not. */
    readonly #streams = new Map<string, Held[]>();

    constructor(page: Page) {
        this.#page = page;
    }

    get waiting(): boolean {
        return this.#absent.size > 0;
    }

    /** Whether something of this source has never been shown. */
    holds(source: Source): boolean {
        return [...this.#absent.values()]
            .flat()
            .some((held) => held[3] === source);
    }

    apply(updates: (Update | Held)[], source?: Source): void {
        for (const [id, props] of calls(this.#expand(updates))) {
            if (source && !source.ended) {
                hold(this.#streams, id, props, source);
            }
            if (this.#page.path(id)) {
                // An update before this one may have brought the component.
                this.#release(stringifyId(id));
                this.#set(id, props);
            } else {
                hold(this.#absent, id, props, source);
            }
        }
    }

    /** Applies what waits for components that are there now. */
    flush(): void {
        this.#look();
        // Each may bring components that others wait for.
        for (let key = this.#arrived(); key; key = this.#arrived()) {
            this.#release(key);
        }
    }

    /** A component that has gone comes back without what was streamed to it. */
    #look(): void {
        for (const [key, updates] of this.#streams) {
            const live = updates.filter(([, , , source]) => !source?.ended);
            const [first] = live;
            if (first) {
                this.#streams.set(key, live);
            } else {
                this.#streams.delete(key);
            }
            if (first && !this.#absent.has(key) && !this.#page.path(first[0])) {
                // It was shown once: no source.
                this.#absent.set(
                    key,
                    live.map(([id, property, value]) => [id, property, value]),
                );
            }
        }
    }

    /** Puts the components that are there in the place of patterns. */
    #expand(updates: (Update | Held)[]): (Update | Held)[] {
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

/** Adds to what is held of a component, in the place of what it supersedes. */
function hold(
    held: Map<string, Held[]>,
    id: Id,
    props: Props,
    source: Source | undefined,
): void {
    const key = stringifyId(id);
    let updates = held.get(key) ?? [];
    for (const [property, value] of Object.entries(props)) {
        if (!isPatch(value)) {
            updates = updates.filter(([, name]) => name !== property);
        }
        // In place: a stream may be of many thousands of Patches.
        updates.push([id, property, value, source]);
    }
    held.set(key, updates);
}

/** The fewest calls that set these updates in their order. */
function calls(updates: (Update | Held)[]): [Id, Props][] {
    const result: [Id, Props][] = [];
    let last: [Id, Props] | undefined;
    for (const [id, property, value] of updates) {
        if (
            !last ||
            stringifyId(last[0]) !== stringifyId(id) ||
            property in last[1]
        ) {
            last = [id, {}];
            result.push(last);
        }
        last[1][property] = value;
    }
    return result;
}
