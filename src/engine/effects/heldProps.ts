import { propIdOf, stringifyId, type Id } from '../wire/id';
import type { Job } from '../job';
import type { Page } from '../page/page';
import { isPattern, type Pattern } from '../wire/pattern';
import type { Update } from '../wire/update';
import type { Updates } from './updates';

type Claim = { value: unknown; rest: unknown };

/** A property and which jobs claim it, never none; the last one's value shows. */
type Claimed = {
    id: Pattern;
    property: string;
    /** A list holds a value for each component of the pattern, in their order. */
    isList: boolean;
    /** The components that were there when it was last looked. */
    present: Set<string>;
    claims: Map<Job, Claim>;
};

/**
 * The properties that live jobs hold: their `running` and `progress`.
 *
 * Several jobs may hold the same one, and it comes to rest with the last of them.
 */
export class Claims {
    readonly #page: Page;
    readonly #updates: Updates;
    readonly #claimed = new Map<string, Claimed>();

    constructor(page: Page, updates: Updates) {
        this.#page = page;
        this.#updates = updates;
    }

    take(job: Job): void {
        const { running, progress } = job.handle;
        const taken = [
            ...running.map(([id, property, value, rest]) =>
                this.#claim(job, id, property, false, { value, rest }),
            ),
            ...progress.map(([id, property, rest]) =>
                this.#claim(job, id, property, true, { value: rest, rest }),
            ),
        ];
        this.#show(taken);
    }

    /** Changes what a job holds some of its properties at. */
    set(job: Job, updates: Update[]): void {
        const changed: Claimed[] = [];
        for (const [id, property, value] of updates) {
            const claimed = this.#claimed.get(propIdOf(id, property));
            const claim = claimed?.claims.get(job);
            if (claimed && claim) {
                claim.value = value;
                if (claim === top(claimed)) {
                    changed.push(claimed);
                }
            }
        }
        this.#show(changed);
    }

    /**
     * Lets go of all that a job holds: `running` first, then `progress`.
     *
     * What is shown there already, by somebody else, stays.
     */
    release(job: Job, shown: [id: Id, property: string][] = []): void {
        const staying = new Set(
            shown.map(([id, property]) => propIdOf(id, property)),
        );
        const updates: Update[] = [];
        for (const [key, claimed] of this.#claimed) {
            const before = top(claimed);
            const own = claimed.claims.get(job);
            claimed.claims.delete(job);
            const now = top(claimed);
            if (!now) {
                this.#claimed.delete(key);
                updates.push(...this.#restOf(claimed, own?.rest));
            } else if (now !== before) {
                updates.push(...this.#updatesOf(claimed, now.value));
            }
        }
        this.#updates.apply(
            updates.filter(
                ([id, property]) => !staying.has(propIdOf(id, property)),
            ),
        );
    }

    /** Sets the properties of components that have come (back) to the page. */
    refresh(): void {
        this.#updates.apply(
            [...this.#claimed.values()].flatMap((claimed) => {
                const { present } = claimed;
                return this.#look(claimed).filter(
                    ([id]) => !present.has(stringifyId(id)),
                );
            }),
        );
    }

    #claim(
        job: Job,
        id: Pattern,
        property: string,
        isProgress: boolean,
        claim: Claim,
    ): Claimed {
        const key = propIdOf(id, property);
        const claimed = this.#claimed.get(key) ?? {
            id,
            property,
            isList: isProgress && isPattern(id),
            present: new Set(),
            claims: new Map<Job, Claim>(),
        };
        if (job.handle.retrigger === 'queue') {
            // It waits for the one before it, and has nothing to show till then.
            claimed.claims = new Map([[job, claim], ...claimed.claims]);
        }
        claimed.claims.set(job, claim);
        this.#claimed.set(key, claimed);
        return claimed;
    }

    #show(claimed: Claimed[]): void {
        this.#updates.apply(claimed.flatMap((each) => this.#look(each)));
    }

    /** The updates that show a property, noting the components that there are. */
    #look(claimed: Claimed): Update[] {
        const updates = this.#updatesOf(claimed, top(claimed)?.value);
        claimed.present = new Set(updates.map(([id]) => stringifyId(id)));
        return updates;
    }

    /** A component that is away finds its property at rest when it is back. */
    #restOf(claimed: Claimed, rest: unknown): Update[] {
        return isPattern(claimed.id)
            ? this.#updatesOf(claimed, rest)
            : [[claimed.id, claimed.property, rest]];
    }

    #updatesOf({ id, property, isList }: Claimed, value: unknown): Update[] {
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

function top({ claims }: Claimed): Claim | undefined {
    return [...claims.values()].at(-1);
}
