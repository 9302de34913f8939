import { stringifyId, type Id } from './id';
import type { Page } from './page';
import { isPattern } from './pattern';
import { isPatch, type Update } from './update';

type Props = Record<string, unknown>;

/** Applies updates in order; those of a component that is not there wait for it. */
export class Updates {
    readonly #page: Page;
    /** By component, never empty. */
    readonly #absent = new Map<string, Update[]>();

    constructor(page: Page) {
        this.#page = page;
    }

    get waiting(): boolean {
        return this.#absent.size > 0;
    }

    apply(updates: Update[]): void {
        for (const [id, props] of calls(this.#expand(updates))) {
            if (this.#page.path(id)) {
                // An update before this one may have brought the component.
                this.#release(stringifyId(id));
                this.#set(id, props);
            } else {
                this.#hold(id, props);
            }
        }
    }

    /** Applies what waits for components that are there now. */
    flush(): void {
        // Each may bring components that others wait for.
        for (let key = this.#arrived(); key; key = this.#arrived()) {
            this.#release(key);
        }
    }

    /** Puts the components that are there in the place of patterns. */
    #expand(updates: Update[]): Update[] {
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

    #hold(id: Id, props: Props): void {
        const key = stringifyId(id);
        let updates = this.#absent.get(key) ?? [];
        for (const [property, value] of Object.entries(props)) {
            if (!isPatch(value)) {
                updates = updates.filter(([, name]) => name !== property);
            }
            updates = [...updates, [id, property, value]];
        }
        this.#absent.set(key, updates);
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

/** The fewest calls that set these updates in their order. */
function calls(updates: Update[]): [Id, Props][] {
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
