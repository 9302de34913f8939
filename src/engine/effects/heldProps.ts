import type { Page } from '../page/page';
import type { Job } from '../state/job';
import { propIdOf, stringifyId, type Id } from '../wire/id';
import { isPattern, type Pattern } from '../wire/pattern';
import { isPatch, NO_UPDATE, type Update } from '../wire/update';
import type { Updates } from './updates';

/** The value that a job gives to a property, and the one to leave behind. */
type Hold = { value: unknown; rest: unknown };

/**
 * A property and the jobs that hold it, at least one. The last one's value shows. A
 * Patch does not: it changes what shows, once for each job.
 */
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
        this.#updates.apply([
            ...running.flatMap(([id, property, value, rest]) =>
                this.#add(job, id, property, false, { value, rest }),
            ),
            ...progress.flatMap(([id, property, rest]) =>
                this.#add(job, id, property, true, { value: rest, rest }),
            ),
        ]);
    }

    /** Change the values at which a job holds some of its properties. */
    set(job: Job, updates: Update[]): void {
        this.#updates.apply(
            updates.flatMap(([id, property, value]) => {
                const prop = this.#held.get(propIdOf(id, property));
                const hold = prop?.holds.get(job);
                if (!prop || !hold) {
                    return [];
                }
                hold.value = value;
                return this.#look(prop, hold);
            }),
        );
    }

    /** Leave properties as they are from now on: the job streams to them. */
    leave(job: Job, updates: Update[]): void {
        this.set(
            job,
            updates.map(([id, property]) => [id, property, NO_UPDATE]),
        );
    }

    /** Give each component of a progress Output its own value of a list. */
    spread(job: Job, updates: Update[]): Update[] {
        return updates.flatMap((update) => {
            const [id, property, value] = update;
            const prop = this.#held.get(propIdOf(id, property));
            return prop?.isList && prop.holds.has(job)
                ? this.#updatesOf(prop, value)
                : [update];
        });
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
        const updates = [...this.#held.values()].flatMap((prop) =>
            this.#remove(job, prop),
        );
        this.#updates.apply(
            updates.filter(
                ([id, property]) => !staying.has(propIdOf(id, property)),
            ),
        );
    }

    /** Set the properties of components that have come (back) to the page. */
    refresh(): void {
        this.#updates.apply(
            [...this.#held.values()].flatMap((prop) => this.#look(prop)),
        );
    }

    #add(
        job: Job,
        id: Pattern,
        property: string,
        isProgress: boolean,
        hold: Hold,
    ): Update[] {
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
        return this.#look(prop, hold);
    }

    #remove(job: Job, prop: HeldProp): Update[] {
        const own = prop.holds.get(job);
        if (!own) {
            return [];
        }
        const before = shownOf(prop);
        prop.holds.delete(job);
        const now = shownOf(prop);
        if (prop.holds.size === 0) {
            this.#held.delete(propIdOf(prop.id, prop.property));
        }
        if (isPatch(own.rest)) {
            // It undoes another one, and only where that was.
            return this.#updatesOf(prop, own.rest).filter(([id]) =>
                prop.present.has(stringifyId(id)),
            );
        }
        if (now) {
            return now === before ? [] : this.#updatesOf(prop, now.value);
        }
        return before || prop.holds.size === 0
            ? this.#restOf(prop, own.rest)
            : [];
    }

    /**
     * Return the updates that show a property, and note which components there are.
     *
     * A component that has come gets all, the others only what has changed.
     */
    #look(prop: HeldProp, changed?: Hold): Update[] {
        const { present } = prop;
        const shown = shownOf(prop);
        const all = [shown, ...patchesOf(prop)];
        const isSeen = changed === shown || isPatch(changed?.value);
        prop.present = new Set();
        return this.#page.find(prop.id).flatMap((id, index) => {
            const key = stringifyId(id);
            prop.present.add(key);
            return (present.has(key) ? [isSeen ? changed : undefined] : all)
                .filter((hold) => hold !== undefined)
                .map(({ value }) => updateOf(prop, id, index, value));
        });
    }

    /** A component that is away now gets the update when it is back. */
    #restOf(prop: HeldProp, rest: unknown): Update[] {
        return isPattern(prop.id)
            ? this.#updatesOf(prop, rest)
            : [[prop.id, prop.property, rest]];
    }

    #updatesOf(prop: HeldProp, value: unknown): Update[] {
        return this.#page
            .find(prop.id)
            .map((id, index) => updateOf(prop, id, index, value));
    }
}

function updateOf(
    { property, isList }: HeldProp,
    id: Id,
    index: number,
    value: unknown,
): Update {
    const values = isList && Array.isArray(value) ? (value as unknown[]) : [];
    return [id, property, index in values ? values[index] : value];
}

/** The hold whose value shows. */
function shownOf({ holds }: HeldProp): Hold | undefined {
    return [...holds.values()].filter(({ value }) => !isPatch(value)).at(-1);
}

function patchesOf({ holds }: HeldProp): Hold[] {
    return [...holds.values()].filter(({ value }) => isPatch(value));
}
