import { stringifyId, type Id } from './id';
import type { Job } from './job';
import type { Page } from './page';
import type { Update } from './update';
import type { Updates } from './updates';

type Claim = { job: Job; value: unknown; rest: unknown };

/** A property and who claims it, never nobody; the last one's value shows. */
type Claimed = { id: Id; property: string; present: boolean; claims: Claim[] };

/**
 * The properties that live jobs hold: their `running` and `progress`.
 *
 * Several jobs may hold the same one, and it comes to rest with the last of them.
 */
export class Claims {
    private readonly claimed = new Map<string, Claimed>();

    constructor(
        private readonly page: Page,
        private readonly updates: Updates,
    ) {}

    take(job: Job): void {
        const taken = claimsOf(job).map(([id, property, value, rest]) => {
            const key = keyOf(id, property);
            const claimed = this.claimed.get(key) ?? {
                id,
                property,
                present: false,
                claims: [],
            };
            claimed.claims.push({ job, value, rest });
            this.claimed.set(key, claimed);
            return claimed;
        });
        this.show(taken);
    }

    /** Changes what a job holds some of its properties at. */
    set(job: Job, updates: Update[]): void {
        const changed: Claimed[] = [];
        for (const [id, property, value] of updates) {
            const claimed = this.claimed.get(keyOf(id, property));
            const claim = claimed?.claims.find((each) => each.job === job);
            if (claimed && claim) {
                claim.value = value;
                if (claim === top(claimed)) {
                    changed.push(claimed);
                }
            }
        }
        this.show(changed);
    }

    /** Lets go of all that a job holds: `running` first, then `progress`. */
    release(job: Job): void {
        const updates: Update[] = [];
        for (const [id, property, , rest] of claimsOf(job)) {
            const key = keyOf(id, property);
            const claimed = this.claimed.get(key);
            if (!claimed) {
                continue;
            }
            const before = top(claimed);
            claimed.claims = claimed.claims.filter((each) => each.job !== job);
            const now = top(claimed);
            if (!now) {
                this.claimed.delete(key);
                updates.push([id, property, rest]);
            } else if (now !== before && claimed.present) {
                updates.push([id, property, now.value]);
            }
        }
        this.updates.apply(updates);
    }

    /** Sets the properties of components that have come (back) to the page. */
    refresh(): void {
        const all = [...this.claimed.values()];
        const absent = all.filter(({ present }) => !present);
        for (const claimed of all) {
            claimed.present = this.page.path(claimed.id) !== undefined;
        }
        this.show(absent);
    }

    private show(claimed: Claimed[]): void {
        for (const each of claimed) {
            each.present = this.page.path(each.id) !== undefined;
        }
        this.updates.apply(
            claimed
                .filter(({ present }) => present)
                .map((each) => [each.id, each.property, top(each)?.value]),
        );
    }
}

function claimsOf({ handle }: Job): [Id, string, unknown, unknown][] {
    return [
        ...handle.running,
        ...handle.progress.map(
            ([id, property, rest]): [Id, string, unknown, unknown] => [
                id,
                property,
                rest,
                rest,
            ],
        ),
    ];
}

function keyOf(id: Id, property: string): string {
    return `${stringifyId(id)}.${property}`;
}

function top({ claims }: Claimed): Claim | undefined {
    return claims[claims.length - 1];
}
