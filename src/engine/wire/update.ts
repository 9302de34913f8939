import { parseId, type Id } from './id';

/** A new value, or a Patch, for one property of one component. */
export type Update = [id: Id, property: string, value: unknown];

/** Properties by component and name, as Dash's own answers hold them. */
export type PropsById = Record<string, Record<string, unknown>>;

export function toUpdates(propsById: PropsById = {}): Update[] {
    return Object.entries(propsById).flatMap(([id, props]) =>
        Object.entries(props).map(([property, value]): Update => [
            parseId(id),
            property,
            value,
        ]),
    );
}

export const NO_UPDATE = { _dash_no_update: '_dash_no_update' };

/** Dash's `no_update`: the property stays as it is. */
export function isNoUpdate(value: unknown): boolean {
    return (
        typeof value === 'object' &&
        value !== null &&
        '_dash_no_update' in value
    );
}

/** A Patch changes the value before it, so none of several Patches can be skipped. */
export function isPatch(value: unknown): boolean {
    return (
        typeof value === 'object' &&
        value !== null &&
        '__dash_patch_update' in value
    );
}
