import type { Id } from '../wire/id';
import { own } from '../wire/own';
import { fits, isPattern, type Pattern } from '../wire/pattern';
import type { Path, Paths } from './dashState';

/** Return where a component is in the layout; undefined if it is not there. */
export function pathOf({ strs, objs }: Paths, id: Id): Path | undefined {
    if (typeof id === 'string') {
        return own(strs, id);
    }
    const keys = Object.keys(id).sort();
    return own(objs, keys.join(','))?.find(({ values }) =>
        keys.every((key, index) => id[key] === values[index]),
    )?.path;
}

/** Return the ids in the layout that match a pattern, in their order. */
export function idsThatFit(paths: Paths, pattern: Pattern): Id[] {
    if (!isPattern(pattern)) {
        return pathOf(paths, pattern) ? [pattern] : [];
    }
    const keys = Object.keys(pattern).sort();
    return (own(paths.objs, keys.join(',')) ?? [])
        .map(({ values }) =>
            Object.fromEntries(keys.map((key, index) => [key, values[index]])),
        )
        .filter((id) => fits(pattern, id));
}
