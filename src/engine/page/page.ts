import type { Handle } from '../wire/handle';
import type { Id } from '../wire/id';
import type { Library } from './libraries';
import type { Pattern } from '../wire/pattern';
import type { Stamp } from './triggerOrder';
import type { Answer, Payload } from './dashState';

/** An entry of Dash's loading state; `dcc.Loading` spins while there is one. */
export type Mark = { path: Path; property: string; id: string };

/** Where a component is in the layout. */
export type Path = (string | number)[];

/** What the engine needs of the page: Dash's renderer, or a fake in tests. */
export type Page = {
    /** Those that have come from the server and are yet to be taken. */
    handles(): Handle[];
    /** Undefined while the component is not on the page. */
    path(id: Id): Path | undefined;
    /** The ids on the page that fit, in the order of the layout. */
    find(pattern: Pattern): Id[];
    /** Whether a callback has this property among its Inputs or State. */
    isRead(id: Id, property: string): boolean;
    /** Values may be Patches. Throws if one doesn't fit what it patches. */
    setProps(id: Id, props: Record<string, unknown>): void;
    isMarked(mark: Mark): boolean;
    mark(marks: Mark[]): void;
    /** Clears every mark of the same path and property, whoever has set it. */
    unmark(marks: Mark[]): void;
    /** Loads what new components need; rejects if one can't be loaded. */
    load(libraries: Library[]): Promise<unknown>;
    /** Nobody has done anything on it since it was loaded, as far as is known. */
    readonly isUntouched: boolean;
    /** Path and query of the page. */
    readonly location: string;
    /** Goes to this page and, when it is there, to a component of it. */
    visit(location: string, id: Id | null): void;
    /** What was sent with this stamp, if that was lately. Given out once. */
    request(seq: number): Payload | undefined;
    /** Sends a callback's request once more; rejects with the reason if it fails. */
    send(request: Payload, stamp: Stamp): Promise<Answer>;
    /** Tells the developer what went wrong; `details` in debug mode only. */
    report(message: string, details?: string): void;
    /**
     * Calls back when components may have come or gone, or marks been cleared,
     * by anyone but the callback itself. Returns the function that ends it.
     */
    watch(changed: () => void): () => void;
};
