import { stringifyId, type Id } from '../engine/wire/id';
import type { Mark } from '../engine/page/page';
import type { Config, Hooks, State, Store } from '../engine/page/dashState';

type Action = Parameters<Store['dispatch']>[0];

/** The store of Dash's renderer, as far as it is used here. */
export class FakeStore implements Store {
    readonly actions: Action[] = [];
    readonly listeners = new Set<() => void>();
    #state: State = {
        appLifecycle: 'HYDRATED',
        config: {
            requests_pathname_prefix: '/',
            fetch: { credentials: 'same-origin', headers: {} },
        },
        graphs: { callbacks: [] },
        hooks: { request_pre: null },
        loading: {},
        paths: { strs: {}, objs: {} },
    };

    getState(): State {
        return this.#state;
    }

    dispatch(action: Action): void {
        this.actions.push(action);
        switch (action.type) {
            case 'SET_HOOKS':
                this.set({ hooks: action.payload as Hooks });
                break;
            case 'LOADING':
                this.#setMarks(action.payload as Mark[], (marks, mark) => [
                    ...marks,
                    mark,
                ]);
                break;
            case 'LOADED':
                this.#setMarks(action.payload as Mark[], (marks, mark) =>
                    marks.filter(({ property }) => property !== mark.property),
                );
                break;
        }
    }

    subscribe(listener: () => void): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    configure(config: Partial<Config>): void {
        this.set({ config: { ...this.#state.config, ...config } });
    }

    /** Puts these components on the page, in this order, and no others. */
    place(...ids: Id[]): void {
        const paths: State['paths'] = { strs: {}, objs: {} };
        ids.forEach((id, index) => {
            const path = ['props', 'children', index];
            if (typeof id === 'string') {
                paths.strs[id] = path;
            } else {
                const keys = Object.keys(id).sort();
                const values = keys.map((key) => id[key]);
                (paths.objs[keys.join(',')] ??= []).push({ values, path });
            }
        });
        this.set({ paths });
    }

    /** Ids of the marks of a component. */
    marked(id: Id): string[] {
        return Object.values(this.#state.loading)
            .flatMap((marks) => marks ?? [])
            .filter((mark) => mark.id === stringifyId(id))
            .map(({ property }) => property);
    }

    set(state: Partial<State>): void {
        this.#state = { ...this.#state, ...state };
        for (const listener of [...this.listeners]) {
            listener();
        }
    }

    #setMarks(
        changes: Mark[],
        change: (marks: Mark[], mark: Mark) => Mark[],
    ): void {
        const loading = { ...this.#state.loading };
        for (const mark of changes) {
            const key = JSON.stringify(mark.path);
            loading[key] = change(loading[key] ?? [], mark);
        }
        this.set({ loading });
    }
}
