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

/** A layout usually has the result already, and the name, but no title. */
export function defaultFor(title: string | undefined): Shows {
    return (part) => part !== 'visit' && (part !== 'name' || !!title);
}
