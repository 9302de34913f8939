/** A part of the view of a job. */
export type Part =
    | 'name'
    | 'status'
    | 'cached'
    | 'bar'
    | 'count'
    | 'percent'
    | 'rate'
    | 'elapsed'
    | 'eta'
    | 'queue'
    | 'question'
    | 'connection'
    | 'cancel'
    | 'retry'
    | 'visit'
    | 'error'
    | 'steps'
    | 'log'
    | 'history';

/** Whether to show a part. */
export type Shows = (part: Part) => boolean;

const ON_DEMAND: readonly Part[] = ['visit', 'rate', 'history'];

/** A layout usually has the result already, and the name, but no title. */
export function defaultFor(title: string | undefined): Shows {
    return (part) => !ON_DEMAND.includes(part) && (part !== 'name' || !!title);
}

/** A list has little room for each job. */
export const inList: Shows = (part) =>
    part !== 'steps' && part !== 'rate' && part !== 'history';

/** A job that another page follows has buttons of its own. */
export const ofOthers: Shows = (part) =>
    inList(part) && part !== 'cancel' && part !== 'retry' && part !== 'visit';
