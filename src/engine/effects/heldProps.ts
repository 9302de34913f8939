import type { Page } from '../page/page';
import type { Job } from '../state/job';
import { propIdOf, stringifyId, type Id } from '../wire/id';
import { isPattern, type Pattern } from '../wire/pattern';
import type { Update } from '../wire/update';
import type { Updates } from './updates';

/** The value that a job gives to a property, and the one to leave behind. */
type Hold = { value: unknown; rest: unknown };

/** A property and the jobs that hold it, at least one; the last one's value shows. */
type HeldProp = {
    id: Pattern;
    property: string;
    /** A list has one value for each component of the pattern, in their order. */
    isList: boolean;
    /** The components that were on the page at the last look. */
    present: Set<string>;
    holds: Map<Job, Hold>;
};

/**
 * The `running` and `progress` properties, which live jobs hold at their values.
 *
 * Several jobs may hold one property. It returns to rest when the last one releases it.
 */
export class HeldProps {
    readonly #page: Page;
    readonly #updates: Updates;
    readonly #held = new Map<string, HeldProp>();

    constructor(page: Page, updates: Updates) {
        this.#page = page;
        this.#updates = updates;
    }

    /** Start to hold all `running` and `progress` properties of a job. */
    hold(job: Job): void {
        const { running, progress } = job.handle;
        this.#show([
            ...running.map(([id, property, value, rest]) =>
                this.#add(job, id, property, false, { value, rest }),
            ),
            ...progress.map(([id, property, rest]) =>
                this.#add(job, id, property, true, { value: rest, rest }),
            ),
        ]);
    }

    /** Change the values at which a job holds some of its properties. */
    set(job: Job, updates: Update[]): void {
        const changed: HeldProp[] = [];
        for (const [id, property, value] of updates) {
            const prop = this.#held.get(propIdOf(id, property));
            const hold = prop?.holds.get(job);
            if (prop && hold) {
                hold.value = value;
                if (hold === top(prop)) {
                    changed.push(prop);
                }
            }
        }
        this.#show(changed);
    }

    /**
     * Release all properties of a job: `running` first, then `progress`.
     *
     * Those that already show another result (`shown`) keep it.
     */
    release(job: Job, shown: [id: Id, property: string][] = []): void {
        const staying = new Set(
            shown.map(([id, property]) => propIdOf(id, property)),
        );
        const updates: Update[] = [];
        for (const [key, prop] of this.#held) {
            const before = top(prop);
            const own = prop.holds.get(job);
            prop.holds.delete(job);
            const now = top(prop);
            if (!now) {
                this.#held.delete(key);
                updates.push(...this.#restOf(prop, own?.rest));
            } else if (now !== before) {
                updates.push(...this.#updatesOf(prop, now.value));
            }
        }
        this.#updates.apply(
            updates.filter(
                ([id, property]) => !staying.has(propIdOf(id, property)),
            ),
        );
    }

    /** Set the properties of components that have come (back) to the page. */
    refresh(): void {
        this.#updates.apply(
            [...this.#held.values()].flatMap((prop) => {
                const { present } = prop;
                return this.#look(prop).filter(
                    ([id]) => !present.has(stringifyId(id)),
                );
            }),
        );
    }

    #add(
        job: Job,
        id: Pattern,
        property: string,
        isProgress: boolean,
        hold: Hold,
    ): HeldProp {
        const key = propIdOf(id, property);
        const prop = this.#held.get(key) ?? {
            id,
            property,
            isList: isProgress && isPattern(id),
            present: new Set(),
            holds: new Map<Job, Hold>(),
        };
        if (job.handle.retrigger === 'queue') {
            // It waits for the job before it, and has nothing to show until then.
            prop.holds = new Map([[job, hold], ...prop.holds]);
        }
        prop.holds.set(job, hold);
        this.#held.set(key, prop);
        return prop;
    }

    #show(props: HeldProp[]): void {
        this.#updates.apply(props.flatMap((prop) => this.#look(prop)));
    }

    /** Return the updates that show a property, and note which components there are. */
    #look(prop: HeldProp): Update[] {
        const updates = this.#updatesOf(prop, top(prop)?.value);
        prop.present = new Set(updates.map(([id]) => stringifyId(id)));
        return updates;
    }

    /** A component that is away now gets the update when it is back. */
    #restOf(prop: HeldProp, rest: unknown): Update[] {
        return isPattern(prop.id)
            ? this.#updatesOf(prop, rest)
            : [[prop.id, prop.property, rest]];
    }

    #updatesOf({ id, property, isList }: HeldProp, value: unknown): Update[] {
        const values =
            isList && Array.isArray(value) ? (value as unknown[]) : [];
        return this.#page
            .find(id)
            .map((found, index): Update => [
                found,
                property,
                index in values ? values[index] : value,
            ]);
    }
}

function top({ holds }: HeldProp): Hold | undefined {
    return [...holds.values()].at(-1);
}
