import type { Id } from '../wire/id';
import type { DashStore, Path } from './dashState';

type Props = Record<string, unknown>;

type DashContext = { componentPath: Path; useStore: () => DashStore };

/** The parts used here of what Dash puts on the window. */
declare global {
    // Only an interface can extend the existing one.
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

/** Return the current properties of a component, whether rendered or not. */
export function currentProps(path: Path): Props {
    return window.dash_component_api.getLayout(path)?.props ?? {};
}

export function setProps(id: Id, props: Props): void {
    window.dash_clientside?.set_props?.(id, props);
}

/** Define the clientside callback of the cancel Inputs. */
export function defineCancel(cancel: (propIds: string[]) => void): void {
    // The browser runs component libraries before the renderer, which keeps what it
    // finds here.
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
