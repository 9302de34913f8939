/** A component id as Dash has it: a name, or the dict of a pattern. */
export type Id = string | Record<string, unknown>;

/** Write an id as Dash does: a dict becomes JSON with sorted keys and no spaces. */
export function stringifyId(id: Id): string {
    if (typeof id === 'string') {
        return id;
    }
    return JSON.stringify(id, Object.keys(id).sort());
}

/** Name a property of a component as Dash does: `button.n_clicks`. */
export function propIdOf(id: Id, property: string): string {
    return `${stringifyId(id)}.${property}`;
}

/** Parse what `stringifyId` (or Dash) wrote. */
export function parseId(text: string): Id {
    return text.startsWith('{') ? (JSON.parse(text) as Id) : text;
}
