import { newRun, type Run } from './run';
import { isFinal } from './snapshot';

/** What is kept of a run: what the list of jobs shows of it. */
type Entry = Pick<
    Run,
    'id' | 'name' | 'location' | 'output' | 'status' | 'elapsed'
>;

/**
 * Remembers the runs of a browser session across reloads, for this tab alone.
 *
 * What they were started with is not kept: it may be a secret, or large.
 */
export class History {
    private kept = '';

    constructor(
        private readonly storage: () => Storage,
        private readonly key: string,
    ) {}

    recall(): Run[] {
        try {
            const text = this.storage().getItem(this.key);
            return text ? (JSON.parse(text) as Entry[]).map(newRun) : [];
        } catch {
            return [];
        }
    }

    keep(runs: readonly Run[]): void {
        const entries = runs.map(
            ({ id, name, location, output, status, elapsed }): Entry => ({
                id,
                name,
                location,
                output,
                status,
                elapsed: isFinal(status) ? elapsed : undefined,
            }),
        );
        const text = JSON.stringify(entries);
        if (text === this.kept) {
            return;
        }
        this.kept = text;
        try {
            this.storage().setItem(this.key, text);
        } catch {
            // There may be no storage, or no room in it: a reload forgets them then.
        }
    }
}
