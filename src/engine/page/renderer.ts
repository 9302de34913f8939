import { handlesIn, type Handle } from '../wire/handle';
import { currentProps, setProps } from './dashApi';
import type { Endpoint } from '../network/client';
import { stringifyId, type Id } from '../wire/id';
import { loadLibrary, type Library } from './libraries';
import type { Mark, Page, Path } from './page';
import { fits, isPattern, type Pattern } from '../wire/pattern';
import { Requests } from './sentRequests';
import type { Stamp } from './triggerOrder';
import type { Answer, Config, Payload, State, Store } from './dashState';
import { here, visit } from './visit';

/** The component to which the server hands new handles. */
const ENGINE_HOST = '_dash-long-jobs';

/** Where components are while none can be reached. */
const NOWHERE: State['paths'] = { strs: {}, objs: {} };

/** The page as Dash's renderer has it. */
export class Renderer implements Page {
    readonly #store: Store;
    readonly #requests = new Requests();

    constructor(store: Store) {
        this.#store = store;
    }

    /** Stamps every callback request from now on; the app's own hook goes on. */
    stampRequests(next: (request: Payload) => Stamp): void {
        const { hooks } = this.#store.getState();
        const request_pre = (payload: Payload) => {
            // Dash calls again when it repeats a request with a new token.
            payload.longJob ??= next(payload);
            this.#requests.add(payload.longJob.seq, payload);
            hooks.request_pre?.(payload);
        };
        this.#store.dispatch({
            type: 'SET_HOOKS',
            payload: { ...hooks, request_pre },
        });
    }

    request(seq: number): Payload | undefined {
        return this.#requests.take(seq);
    }

    async send(request: Payload, longJob: Stamp): Promise<Answer> {
        const { config, hooks } = this.#store.getState();
        const payload = { ...request, longJob };
        hooks.request_pre?.(payload);
        const response = await fetch(
            `${config.requests_pathname_prefix}_dash-update-component`,
            {
                ...this.endpoint().init,
                method: 'POST',
                body: JSON.stringify(payload),
            },
        ).catch(() => {
            throw new Error('The server did not respond');
        });
        if (!response.ok) {
            throw new Error(`The server answered with ${response.status}`);
        }
        // No content: the callback has updated nothing.
        return response.status === 204
            ? {}
            : ((await response.json()) as Answer);
    }

    get isUntouched(): boolean {
        // Older browsers don't tell.
        const { userActivation } = navigator as Partial<Navigator>;
        return userActivation?.hasBeenActive === false;
    }

    get location(): string {
        return here();
    }

    visit(location: string, id: Id | null): void {
        visit(location, id && stringifyId(id));
    }

    isRead(id: Id, property: string): boolean {
        const { callbacks = [] } = this.#store.getState().graphs;
        return callbacks.some(({ inputs, state }) =>
            [...inputs, ...state].some(
                (each) =>
                    each.property === property &&
                    // Which dict ids a pattern stands for matters little here.
                    (typeof id === 'string'
                        ? each.id === id
                        : typeof each.id !== 'string'),
            ),
        );
    }

    /** Tells the app from others at the same origin. */
    get name(): string {
        const { config } = this.#store.getState();
        return `${config.requests_pathname_prefix}_dash-long-jobs`;
    }

    endpoint(): Endpoint {
        const { config } = this.#store.getState();
        return {
            url: `${this.name}/`,
            init: {
                ...config.fetch,
                headers: { ...config.fetch.headers, ...csrfHeader(config) },
            },
        };
    }

    handles(): Handle[] {
        const path = this.path(ENGINE_HOST);
        return handlesIn(path && (currentProps(path).handles as object));
    }

    path(id: Id): Path | undefined {
        const paths = this.#paths;
        if (typeof id === 'string') {
            return paths.strs[id];
        }
        const keys = Object.keys(id).sort();
        return paths.objs[keys.join(',')]?.find(({ values }) =>
            keys.every((key, index) => id[key] === values[index]),
        )?.path;
    }

    find(pattern: Pattern): Id[] {
        if (!isPattern(pattern)) {
            return this.path(pattern) ? [pattern] : [];
        }
        const { objs } = this.#paths;
        const keys = Object.keys(pattern).sort();
        return (objs[keys.join(',')] ?? [])
            .map(({ values }) =>
                Object.fromEntries(
                    keys.map((key, index) => [key, values[index]]),
                ),
            )
            .filter((id) => fits(pattern, id));
    }

    setProps(id: Id, props: Record<string, unknown>): void {
        setProps(id, props);
    }

    isMarked({ path, property, id }: Mark): boolean {
        const marks =
            this.#store.getState().loading[JSON.stringify(path)] ?? [];
        return marks.some(
            (mark) => mark.property === property && mark.id === id,
        );
    }

    mark(marks: Mark[]): void {
        this.#store.dispatch({ type: 'LOADING', payload: marks });
    }

    unmark(marks: Mark[]): void {
        this.#store.dispatch({ type: 'LOADED', payload: marks });
    }

    load(libraries: Library[]): Promise<unknown> {
        return Promise.all(libraries.map(loadLibrary));
    }

    report(message: string, details = ''): void {
        console.error(message);
        if (this.#store.getState().config.ui) {
            this.#store.dispatch({
                type: 'ON_ERROR',
                payload: { type: 'backEnd', error: { message, html: details } },
            });
        }
    }

    watch(changed: () => void): () => void {
        const look = () =>
            [this.#paths, this.#store.getState().loading] as const;
        let [paths, loading] = look();
        let calling = false;
        return this.#store.subscribe(() => {
            const now = look();
            const same = now[0] === paths && now[1] === loading;
            if (calling || same) {
                return;
            }
            calling = true;
            // Not before Dash is through with what it is doing.
            queueMicrotask(() => {
                changed();
                [paths, loading] = look();
                calling = false;
            });
        });
    }

    /**
     * Dash can't set properties before it knows the callbacks, which it asks for when
     * the page is loaded, and again when the server's code has changed in debug mode.
     */
    get #paths(): State['paths'] {
        const { appLifecycle, paths } = this.#store.getState();
        return appLifecycle === 'STARTED' ? NOWHERE : paths;
    }
}

function csrfHeader(config: Config): Record<string, string> {
    const name = config.csrf_token_name ?? '_csrf_token';
    const cookie = document.cookie
        .split('; ')
        .find((each) => each.startsWith(`${name}=`));
    if (!cookie) {
        return {};
    }
    const token = decode(cookie.slice(name.length + 1));
    return { [config.csrf_header_name ?? 'X-CSRFToken']: token };
}

/** Not everybody who sets a cookie encodes it. */
function decode(value: string): string {
    try {
        return decodeURIComponent(value);
    } catch {
        return value;
    }
}
