import type { Id } from '../wire/id';
import type { Library } from './libraries';
import type { Mark, Path } from './page';
import type { Stamp } from './triggerOrder';
import type { PropsById } from '../wire/update';

/** A property of a component, as it is sent to the server. */
export type Item = { id: Id; property: string; value?: unknown };

/** What is sent to the server for a callback. */
export type Payload = Record<string, unknown> & {
    /** By item, or a list of them for a pattern. */
    inputs?: (Item | Item[])[];
    /** None of them if the page calls it since it has just been loaded. */
    changedPropIds?: string[];
    longJob?: Stamp;
};

/** What the server answers to it, as far as it is used here. */
export type Answer = {
    /** Files to load before the rest is shown. */
    dist?: Library[];
    sideUpdate?: PropsById;
    response?: PropsById;
};

type Dependency = { id: Id; property: string };

export type Config = {
    requests_pathname_prefix: string;
    /** How Dash sends its own requests; bears what an app adds to its headers. */
    fetch: Omit<RequestInit, 'headers'> & { headers: Record<string, string> };
    /** Set in debug mode: the dev tools are there. */
    ui?: boolean;
    /** The title of the tab while callbacks run. */
    update_title?: string | null;
    csrf_token_name?: string;
    csrf_header_name?: string;
};

export type Hooks = {
    request_pre: ((payload: Payload) => void) | null;
};

/** The state of Dash's renderer, as far as it is used here. */
export type State = {
    appLifecycle: 'STARTED' | 'HYDRATED' | 'DESTROYED';
    config: Config;
    graphs: {
        /** Undefined until Dash knows them. */
        callbacks?: { inputs: Dependency[]; state: Dependency[] }[];
    };
    hooks: Hooks;
    loading: Record<string, Mark[] | undefined>;
    /** Replaced by another whenever components come or go. */
    paths: {
        strs: Record<string, Path | undefined>;
        /** By the sorted keys of the dict ids. */
        objs: Record<string, { values: unknown[]; path: Path }[] | undefined>;
    };
};

/** The store of Dash's renderer. */
export type Store = {
    getState(): State;
    dispatch(action: { type: string; payload: unknown }): void;
    subscribe(listener: () => void): () => void;
};
