import type {
    CallbackAnswer,
    CallbackRequest,
    TriggerInfo,
} from '../wire/callbackRequest';
import type { Handle } from '../wire/handle';
import type { Id } from '../wire/id';
import type { Library } from '../wire/library';
import type { Pattern } from '../wire/pattern';
import type { LoadingMark, Path } from './dashState';

/** The time from the back/forward cache until the page has shown that it stays. */
export const RESTORED_MS = 10_000;

/** The page, as the engine uses it. Dash's renderer provides it, or a test's fake. */
export type Page = {
    /** Handles that the server has delivered and the engine has not taken yet. */
    handles(): Handle[];
    /** Undefined while the component is not on the page. */
    path(id: Id): Path | undefined;
    /** The matching ids on the page, in the order of the layout. */
    find(pattern: Pattern): Id[];
    /** The value of a property; undefined while its component is not on the page. */
    value(id: Id, property: string): unknown;
    /** Whether a callback has this property among its Inputs or State. */
    isRead(id: Id, property: string): boolean;
    /** Set properties to values or Patches. Throws if a Patch does not fit its value. */
    setProps(id: Id, props: Record<string, unknown>): void;
    isMarked(mark: LoadingMark): boolean;
    mark(marks: LoadingMark[]): void;
    /** Clear all marks with the same path and property, including those of Dash. */
    unmark(marks: LoadingMark[]): void;
    /** Load the files of new components; rejects if one can't be loaded. */
    load(libraries: Library[]): Promise<unknown>;
    /** As far as the browser tells, the user has done nothing since the page loaded. */
    readonly isUntouched: boolean;
    /**
     * The browser has just taken the page from its back/forward cache. Chromium may load
     * it again at once, if it has a SharedWorker, as Dash's pages on FastAPI and Quart.
     */
    readonly isRestored: boolean;
    /** Path and query of the page. */
    readonly location: string;
    /** Return the recent request with this `seq`, once. */
    request(seq: number): CallbackRequest | undefined;
    /** Load a script for what only some pages need; rejects if that fails. */
    loadChunk(name: 'details' | 'held'): Promise<unknown>;
    /**
     * Send a callback's request again, with code of the details; rejects with the
     * reason if that fails.
     */
    send(request: CallbackRequest, info: TriggerInfo): Promise<CallbackAnswer>;
    /** Tell the developer what went wrong; shows `details` in debug mode only. */
    report(message: string, details?: string): void;
    /**
     * Call back when components may have come or gone, or marks were cleared, unless
     * the callback itself did it. Returns a function that stops that.
     */
    watch(changed: () => void): () => void;
};
