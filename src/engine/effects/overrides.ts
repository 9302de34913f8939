import type { Page } from '../page/page';
import type { Job, Override } from '../state/job';
import { propIdOf, stringifyId, type Id } from '../wire/id';
import { isPattern, type Pattern } from '../wire/pattern';
import { isPatch, NO_UPDATE, type Update } from '../wire/update';
import type { Updates } from './updates';

/**
 * A property and the jobs that override it, at least one. The last one's value shows.
 * A Patch does not: it changes what shows, once for each job.
 */
type OverriddenProp = {
    id: Pattern;
    property: string;
    /** A list has one value for each component of the pattern, in their order. */
    isList: boolean;
    /** The components that were on the page at the last look. */
    present: Set<string>;
    overrides: Map<Job, Override>;
};

/**
 * The `running` and `progress` properties, which live jobs override.
 *
 * Several jobs may override one property. It returns to rest when the last one
 * releases it.
 */
export class Overrides {
    readonly #page: Page;
    readonly #updates: Updates;
    readonly #props = new Map<string, OverriddenProp>();

    constructor(page: Page, updates: Updates) {
        this.#page = page;
        this.#updates = updates;
    }

    /**
     * Override all `running` and `progress` properties of a job: at first, or as it was
     * when it was released.
     */
    start(job: Job): void {
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

    /** Change the values by which a job overrides some of its properties. */
    set(job: Job, updates: Update[]): void {
        this.#updates.apply(
            updates.flatMap(([id, property, value]) => {
                const prop = this.#props.get(propIdOf(id, property));
                const override = prop?.overrides.get(job);
                if (!prop || !override) {
                    return [];
                }
                override.value = value;
                return this.#look(prop, override);
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
            const prop = this.#props.get(propIdOf(id, property));
            return prop?.isList && prop.overrides.has(job)
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
        const updates = [...this.#props.values()].flatMap((prop) =>
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
            [...this.#props.values()].flatMap((prop) => this.#look(prop)),
        );
    }

    #add(
        job: Job,
        id: Pattern,
        property: string,
        isProgress: boolean,
        initial: Override,
    ): Update[] {
        const key = propIdOf(id, property);
        const own = isProgress ? `${key} progress` : key;
        const override = job.overrides.get(own) ?? initial;
        job.overrides.set(own, override);
        const prop = this.#props.get(key) ?? {
            id,
            property,
            isList: isProgress && isPattern(id),
            present: new Set(),
            overrides: new Map<Job, Override>(),
        };
        if (job.handle.retrigger === 'queue') {
            // It waits for the job before it, and has nothing to show until then.
            prop.overrides = new Map([[job, override], ...prop.overrides]);
        }
        prop.overrides.set(job, override);
        this.#props.set(key, prop);
        return this.#look(prop, override);
    }

    #remove(job: Job, prop: OverriddenProp): Update[] {
        const { overrides, present } = prop;
        const own = overrides.get(job);
        if (!own) {
            return [];
        }
        const before = shownOf(prop);
        overrides.delete(job);
        const now = shownOf(prop);
        const isLast = overrides.size === 0;
        if (isLast) {
            this.#props.delete(propIdOf(prop.id, prop.property));
        }
        if (isPatch(own.rest)) {
            // It undoes another one, and only where that was.
            return this.#updatesOf(prop, own.rest).filter(([id]) =>
                present.has(stringifyId(id)),
            );
        }
        if (now !== before) {
            return now
                ? this.#updatesOf(prop, now.value)
                : this.#restOf(prop, own.rest);
        }
        // Its value did not show. After the Patch of the last job, the rest does.
        return isLast ? this.#restOf(prop, own.rest) : [];
    }

    /**
     * Return the updates that show a property, and note which components there are.
     *
     * A component that has come gets all that the property shows. The others get the
     * change of an override: that of a value only where it shows, a Patch always.
     */
    #look(prop: OverriddenProp, changed?: Override): Update[] {
        const { present } = prop;
        const shown = shownOf(prop);
        const all = [...(shown ? [shown] : []), ...patchesOf(prop)];
        const news = all.filter((override) => override === changed);
        prop.present = new Set();
        return this.#page.find(prop.id).flatMap((id, index) => {
            const key = stringifyId(id);
            prop.present.add(key);
            return (present.has(key) ? news : all).map(({ value }) =>
                updateOf(prop, id, index, value),
            );
        });
    }

    /** A component that is away now gets the update when it is back. */
    #restOf(prop: OverriddenProp, rest: unknown): Update[] {
        return isPattern(prop.id)
            ? this.#updatesOf(prop, rest)
            : [[prop.id, prop.property, rest]];
    }

    #updatesOf(prop: OverriddenProp, value: unknown): Update[] {
        return this.#page
            .find(prop.id)
            .map((id, index) => updateOf(prop, id, index, value));
    }
}

function updateOf(
    { property, isList }: OverriddenProp,
    id: Id,
    index: number,
    value: unknown,
): Update {
    const values = isList && Array.isArray(value) ? (value as unknown[]) : [];
    return [id, property, index in values ? values[index] : value];
}

/** The override whose value shows. */
function shownOf({ overrides }: OverriddenProp): Override | undefined {
    return [...overrides.values()]
        .filter(({ value }) => !isPatch(value))
        .at(-1);
}

function patchesOf({ overrides }: OverriddenProp): Override[] {
    return [...overrides.values()].filter(({ value }) => isPatch(value));
}
