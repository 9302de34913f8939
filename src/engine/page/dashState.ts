import type { CallbackRequest } from '../wire/callbackRequest';
import type { Id } from '../wire/id';

/** The path of a component in the layout. */
export type Path = (string | number)[];

/** An entry of Dash's loading state; `dcc.Loading` spins while there is one. */
export type LoadingMark = { path: Path; property: string; id: string };

type Dependency = { id: Id; property: string };

/** A callback under way. */
type Called = {
    /** A persistent one never ends. */
    callback: { persistent?: boolean };
    changedPropIds: Record<string, unknown>;
    /** The callbacks whose results have led to it. */
    predecessors?: { inputs: Dependency[] }[];
};

export type Config = {
    requests_pathname_prefix: string;
    /** The options of Dash's own requests, including headers that an app adds. */
    fetch: Omit<RequestInit, 'headers'> & { headers: Record<string, string> };
    /** Set in debug mode: the dev tools are on the page. */
    ui?: boolean;
    /** The title of the tab while callbacks run. */
    update_title?: string | null;
    csrf_token_name?: string;
    csrf_header_name?: string;
};

export type Hooks = {
    request_pre: ((request: CallbackRequest) => void) | null;
};

/** The paths of components in the layout, by id. */
export type Paths = {
    strs: Record<string, Path>;
    /** By the sorted keys of the dict ids. */
    objs: Record<string, { values: unknown[]; path: Path }[]>;
};

/** The parts used here of the Redux state of Dash's renderer. */
export type DashState = {
    appLifecycle: 'STARTED' | 'HYDRATED' | 'DESTROYED';
    /** The callbacks under way, by stage, and the number of those that are over. */
    callbacks: Record<string, Called[] | number>;
    config: Config;
    graphs: {
        /** Undefined until Dash knows the callbacks. */
        callbacks?: { inputs: Dependency[]; state: Dependency[] }[];
    };
    hooks: Hooks;
    loading: Record<string, LoadingMark[] | undefined>;
    /** Dash replaces the object whenever components come or go. */
    paths: Paths;
};

/** The Redux store of Dash's renderer. */
export type DashStore = {
    getState(): DashState;
    dispatch(action: { type: string; payload: unknown }): void;
    subscribe(listener: () => void): () => void;
};
