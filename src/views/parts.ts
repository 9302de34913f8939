/** A part of the view of a job. */
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

/** Whether to show a part. */
export type Shows = (part: Part) => boolean;

/** A layout usually has the name and the result already. */
export const showsByDefault: Shows = (part) =>
    part !== 'name' && part !== 'visit';
