/** A file of a component library, as Dash lists it in an answer. */
export type Library = { type: string; url: string };
