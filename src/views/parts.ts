/** A part of what is shown of a job. */
export type Part =
    | 'name'
    | 'status'
    | 'cached'
    | 'bar'
    | 'count'
    | 'percent'
    | 'elapsed'
    | 'eta'
    | 'queue'
    | 'connection'
    | 'cancel'
    | 'retry'
    | 'visit'
    | 'error'
    | 'log';

/** Whether a part is to be shown. */
export type Shows = (part: Part) => boolean;

/** A layout mostly says the name already, and has the result in it. */
export const showsByDefault: Shows = (part) =>
    part !== 'name' && part !== 'visit';
