import { stringifyId, type Id } from './id';
import type { Library } from './library';
import type { PropsById } from './update';

/** A property of a component, as a callback request names it. */
export type Item = { id: Id; property: string; value?: unknown };

/** The body of the request that Dash sends for a callback. */
export type CallbackRequest = Record<string, unknown> & {
    /** One item per Input, or a list of items for a pattern. */
    inputs?: (Item | Item[])[];
    /** Empty if Dash calls the callback because the page was just loaded. */
    changedPropIds?: string[];
    longJob?: TriggerInfo;
};

/** Return the ids of the buttons among the Inputs of a request. */
export function buttonsOf(request: CallbackRequest | undefined): string[] {
    return (request?.inputs ?? [])
        .flat()
        .filter(({ property }) => property === 'n_clicks')
        .map(({ id }) => stringifyId(id));
}

/** The parts used here of the server's answer to a callback request. */
export type CallbackAnswer = {
    /** Files to load before the page shows the rest. */
    dist?: Library[];
    sideUpdate?: PropsById;
    response?: PropsById;
};

/** A job that the page has resumed; the last item if it refreshes an old result. */
export type Resumed = [
    callbackKey: string,
    page: string,
    inputDigests: string[],
    refreshes?: true,
];

/** The trigger info, which the page adds to every callback request. */
export type TriggerInfo = {
    /** The id that the page gave itself when it was loaded. */
    page: string;
    /** Grows with every trigger of the page. */
    seq: number;
    /** Path and query of the page. */
    location?: string;
    /** Live jobs in lanes from before the page was loaded. */
    resumed?: Resumed[];
    /** The user has done nothing on the page since it was loaded. */
    untouched?: boolean;
    /** The request reports only what the callback's own last result has set. */
    ownResult?: true;
};
