import { own } from '../engine/wire/own';
import { stringifyId, type Id } from '../engine/wire/id';
import type { LoadingMark } from '../engine/page/dashState';
import type {
    Config,
    Hooks,
    DashState,
    DashStore,
} from '../engine/page/dashState';

type Action = Parameters<DashStore['dispatch']>[0];

/** The parts used here of the Redux store of Dash's renderer. */
export class FakeDashStore implements DashStore {
    readonly actions: Action[] = [];
    readonly listeners = new Set<() => void>();
    #state: DashState = {
        appLifecycle: 'HYDRATED',
        callbacks: {},
        config: {
            requests_pathname_prefix: '/',
            fetch: { credentials: 'same-origin', headers: {} },
        },
        graphs: { callbacks: [] },
        hooks: { request_pre: null },
        loading: {},
        paths: { strs: {}, objs: {} },
    };

    getState(): DashState {
        return this.#state;
    }

    dispatch(action: Action): void {
        this.actions.push(action);
        switch (action.type) {
            case 'SET_HOOKS':
                this.set({ hooks: action.payload as Hooks });
                break;
            case 'LOADING':
                this.#setMarks(
                    action.payload as LoadingMark[],
                    (marks, mark) => [...marks, mark],
                );
                break;
            case 'LOADED':
                this.#setMarks(action.payload as LoadingMark[], (marks, mark) =>
                    marks.filter(({ property }) => property !== mark.property),
                );
                break;
        }
    }

    subscribe(listener: () => void): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    /** Let Dash wait for one callback for each of these changes, and for no others. */
    call(...changed: string[]): void {
        this.set({
            callbacks: {
                completed: 0,
                watched: changed.map((propId) => ({
                    callback: {},
                    changedPropIds: { [propId]: 1 },
                })),
            },
        });
    }

    configure(config: Partial<Config>): void {
        this.set({ config: { ...this.#state.config, ...config } });
    }

    /** Put these components on the page, in this order, and no others. */
    place(...ids: Id[]): void {
        const paths: DashState['paths'] = { strs: {}, objs: {} };
        ids.forEach((id, index) => {
            const path = ['props', 'children', index];
            if (typeof id === 'string') {
                paths.strs[id] = path;
            } else {
                const keys = Object.keys(id).sort();
                const values = keys.map((key) => id[key]);
                const name = keys.join(',');
                paths.objs[name] = [
                    ...(own(paths.objs, name) ?? []),
                    { values, path },
                ];
            }
        });
        this.set({ paths });
    }

    /** The marked properties of a component. */
    marked(id: Id): string[] {
        return Object.values(this.#state.loading)
            .flatMap((marks) => marks ?? [])
            .filter((mark) => mark.id === stringifyId(id))
            .map(({ property }) => property);
    }

    set(state: Partial<DashState>): void {
        this.#state = { ...this.#state, ...state };
        for (const listener of [...this.listeners]) {
            listener();
        }
    }

    #setMarks(
        changes: LoadingMark[],
        change: (marks: LoadingMark[], mark: LoadingMark) => LoadingMark[],
    ): void {
        const loading = { ...this.#state.loading };
        for (const mark of changes) {
            const key = JSON.stringify(mark.path);
            loading[key] = change(loading[key] ?? [], mark);
        }
        this.set({ loading });
    }
}
