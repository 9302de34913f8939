import type { Run } from '../../engine/state/run';
import { nameOf, type Labels } from '../texts/labels';

/** Return a name for each run; runs with the same name get a number in addition. */
export function namesOf(
    runs: readonly Run[],
    labels: Labels,
): Map<Run, string> {
    const groups = new Map<string, Run[]>();
    for (const run of runs) {
        const name = nameOf(run, labels);
        groups.set(name, [...(groups.get(name) ?? []), run]);
    }
    return new Map(
        [...groups].flatMap(([name, group]) =>
            group.map((run, index): [Run, string] => [
                run,
                group.length > 1 ? `${name} ${index + 1}` : name,
            ]),
        ),
    );
}
