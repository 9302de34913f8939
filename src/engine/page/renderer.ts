import type {
    CallbackAnswer,
    CallbackRequest,
    TriggerInfo,
} from '../wire/callbackRequest';
import type { Endpoint } from '../wire/endpoint';
import { handlesIn, type Handle } from '../wire/handle';
import type { Id } from '../wire/id';
import type { Library } from '../wire/library';
import type { Pattern } from '../wire/pattern';
import { currentProps, setProps } from './dashApi';
import type {
    Config,
    DashState,
    DashStore,
    LoadingMark,
    Path,
    Paths,
} from './dashState';
import { endpointOf, nameOf } from './endpoint';
import { idsThatFit, pathOf } from './layout';
import { loadLibrary, loadScript } from './libraries';
import { RESTORED_MS, type Page } from './page';
import { SentRequests } from './sentRequests';
import { here } from './visit';

/** The component through which the server delivers new handles. */
const ENGINE_HOST = '_dash-long-jobs';

/** Used while no component can be reached. */
const NO_PATHS: Paths = { strs: {}, objs: {} };

/** The page, through Dash's renderer. */
export class Renderer implements Page {
    readonly #dashStore: DashStore;
    readonly #sentRequests = new SentRequests();
    #restored = -Infinity;

    constructor(dashStore: DashStore) {
        this.#dashStore = dashStore;
        window.addEventListener('pageshow', ({ persisted }) => {
            if (persisted) {
                this.#restored = performance.now();
            }
        });
    }

    /** Add trigger info to every callback request; the app's own hook still runs. */
    addTriggerInfo(next: (request: CallbackRequest) => TriggerInfo): void {
        const { hooks } = this.#state;
        const request_pre = (request: CallbackRequest) => {
            // Dash calls again when it repeats a request with a new token.
            request.longJob ??= next(request);
            this.#sentRequests.add(request.longJob.seq, request);
            hooks.request_pre?.(request);
        };
        this.#dashStore.dispatch({
            type: 'SET_HOOKS',
            payload: { ...hooks, request_pre },
        });
    }

    request(seq: number): CallbackRequest | undefined {
        return this.#sentRequests.take(seq);
    }

    async loadChunk(name: 'details' | 'held'): Promise<void> {
        await loadScript(name);
    }

    async send(
        request: CallbackRequest,
        longJob: TriggerInfo,
    ): Promise<CallbackAnswer> {
        const { init } = this.endpoint();
        const body = { ...request, longJob };
        const { dash_long_components_send: send } = window;
        return (await send?.(this.#state, init, body)) ?? {};
    }

    get isUntouched(): boolean {
        // Older browsers don't tell.
        const { userActivation } = navigator as Partial<Navigator>;
        return userActivation?.hasBeenActive === false;
    }

    get isRestored(): boolean {
        return performance.now() - this.#restored < RESTORED_MS;
    }

    get location(): string {
        return here();
    }

    isRead(id: Id, property: string): boolean {
        const { callbacks = [] } = this.#state.graphs;
        return callbacks.some(({ inputs, state }) =>
            [...inputs, ...state].some(
                (each) =>
                    each.property === property &&
                    // A dict id counts as read if any dict id is: that is close enough.
                    (typeof id === 'string'
                        ? each.id === id
                        : typeof each.id !== 'string'),
            ),
        );
    }

    /** Distinguishes the app from others at the same origin. */
    get name(): string {
        return nameOf(this.#config);
    }

    endpoint(): Endpoint {
        return endpointOf(this.#config);
    }

    handles(): Handle[] {
        const path = this.path(ENGINE_HOST);
        return handlesIn(path && (currentProps(path).handles as object));
    }

    path(id: Id): Path | undefined {
        return pathOf(this.#paths, id);
    }

    value(id: Id, property: string): unknown {
        const path = this.path(id);
        return path && currentProps(path)[property];
    }

    find(pattern: Pattern): Id[] {
        return idsThatFit(this.#paths, pattern);
    }

    setProps(id: Id, props: Record<string, unknown>): void {
        setProps(id, props);
    }

    isMarked({ path, property, id }: LoadingMark): boolean {
        const marks = this.#state.loading[JSON.stringify(path)] ?? [];
        return marks.some(
            (mark) => mark.property === property && mark.id === id,
        );
    }

    mark(marks: LoadingMark[]): void {
        this.#dashStore.dispatch({ type: 'LOADING', payload: marks });
    }

    unmark(marks: LoadingMark[]): void {
        this.#dashStore.dispatch({ type: 'LOADED', payload: marks });
    }

    load(libraries: Library[]): Promise<unknown> {
        return Promise.all(libraries.map(loadLibrary));
    }

    report(message: string, details = ''): void {
        console.error(message);
        if (this.#config.ui) {
            this.#dashStore.dispatch({
                type: 'ON_ERROR',
                payload: { type: 'backEnd', error: { message, html: details } },
            });
        }
    }

    watch(changed: () => void): () => void {
        const look = () => [this.#paths, this.#state.loading] as const;
        let [paths, loading] = look();
        let calling = false;
        return this.#dashStore.subscribe(() => {
            const now = look();
            const same = now[0] === paths && now[1] === loading;
            if (calling || same) {
                return;
            }
            calling = true;
            // Only after Dash has finished what it is doing.
            queueMicrotask(() => {
                try {
                    changed();
                } finally {
                    [paths, loading] = look();
                    calling = false;
                }
            });
        });
    }

    get #state(): DashState {
        return this.#dashStore.getState();
    }

    get #config(): Config {
        return this.#state.config;
    }

    /**
     * Dash can't set properties before it knows the callbacks. It asks for them when
     * the page is loaded, and in debug mode again when the server's code has changed.
     */
    get #paths(): Paths {
        const { appLifecycle, paths } = this.#state;
        return appLifecycle === 'STARTED' ? NO_PATHS : paths;
    }
}
