import type { Id } from '../wire/id';
import type { Path } from './page';
import type { Store } from './dashState';

type Props = Record<string, unknown>;

type DashContext = { componentPath: Path; useStore: () => Store };

/** What Dash puts on the window, as far as it is used here. */
declare global {
    // Only an interface adds to the one that is there.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_component_api: {
            useDashContext(): DashContext;
            getLayout(path: Path): { props: Props } | undefined;
        };
        dash_clientside?: {
            set_props?(id: Id, props: Props): void;
            callback_context?: { triggered: { prop_id: string }[] };
            dash_long_components?: { cancel(): void };
        };
    }
}

export function useDashContext(): DashContext {
    return window.dash_component_api.useDashContext();
}

/** The properties of a component as they are now, be they rendered or not. */
export function currentProps(path: Path): Props {
    return window.dash_component_api.getLayout(path)?.props ?? {};
}

export function setProps(id: Id, props: Props): void {
    window.dash_clientside?.set_props?.(id, props);
}

/** Defines the clientside callback of the cancel Inputs. */
export function defineCancel(cancel: (propIds: string[]) => void): void {
    // Component libraries are loaded before the renderer, which keeps what it finds.
    window.dash_clientside = {
        ...window.dash_clientside,
        dash_long_components: {
            cancel() {
                const context = window.dash_clientside?.callback_context;
                cancel(
                    (context?.triggered ?? []).map(({ prop_id }) => prop_id),
                );
            },
        },
    };
}
