import type { Handle } from '../engine/wire/handle';
import { parseId, propIdOf, stringifyId, type Id } from '../engine/wire/id';
import type { Library } from '../engine/page/libraries';
import type { Mark, Page, Path } from '../engine/page/page';
import { fits, type Pattern } from '../engine/wire/pattern';
import type { Stamp } from '../engine/page/triggerOrder';
import type { Answer, Payload } from '../engine/page/dashState';
import { isPatch } from '../engine/wire/update';

type Props = Record<string, unknown>;

/** A Patch that appends to a list, as Dash serialises it. */
export function append(value: unknown) {
    return {
        __dash_patch_update: '__dash_patch_update',
        operations: [
            { operation: 'Append', location: [] as never[], params: { value } },
        ],
    };
}

/** A page in memory: its components, and every call that set one's properties. */
export class FakePage implements Page {
    readonly components = new Map<string, Props>();
    readonly calls: [Id, Props][] = [];
    readonly marks = new Set<string>();
    readonly reports: [message: string, details?: string][] = [];
    readonly loads: Library[][] = [];
    readonly watchers = new Set<() => void>();
    /** Handles that are yet to be taken. */
    untaken: Handle[] = [];
    /** Properties that callbacks read, as `id.property`. */
    readonly reads = new Set<string>();
    readonly requests = new Map<number, Payload>();
    readonly sent: [request: Payload, stamp: Stamp][] = [];
    readonly visits: [location: string, id: Id | null][] = [];
    location = '/';
    isUntouched = false;
    answer: () => Promise<Answer> = () => Promise.resolve({});
    loading: Promise<unknown> = Promise.resolve();

    constructor(...ids: Id[]) {
        this.add(...ids);
    }

    add(...ids: Id[]): void {
        for (const id of ids) {
            this.components.set(stringifyId(id), {});
        }
        this.changed();
    }

    remove(...ids: Id[]): void {
        for (const id of ids) {
            this.components.delete(stringifyId(id));
        }
        this.changed();
    }

    props(id: Id): Props | undefined {
        return this.components.get(stringifyId(id));
    }

    changed(): void {
        for (const watcher of [...this.watchers]) {
            watcher();
        }
    }

    handles(): Handle[] {
        return this.untaken;
    }

    path(id: Id): Path | undefined {
        const key = stringifyId(id);
        return this.components.has(key) ? ['children', key] : undefined;
    }

    find(pattern: Pattern): Id[] {
        return [...this.components.keys()]
            .map(parseId)
            .filter((id) => fits(pattern, id));
    }

    isRead(id: Id, property: string): boolean {
        return this.reads.has(propIdOf(id, property));
    }

    request(seq: number): Payload | undefined {
        return this.requests.get(seq);
    }

    send(...sent: [request: Payload, stamp: Stamp]): Promise<Answer> {
        this.sent.push(sent);
        return this.answer();
    }

    visit(...visit: [location: string, id: Id | null]): void {
        this.visits.push(visit);
    }

    setProps(id: Id, props: Props): void {
        this.calls.push([id, props]);
        const component = this.props(id);
        if (!component) {
            throw new Error('no such component');
        }
        for (const [property, value] of Object.entries(props)) {
            component[property] = isPatch(value)
                ? patched(component[property], value as Patch)
                : value;
        }
    }

    isMarked(mark: Mark): boolean {
        return this.marks.has(`${mark.id}.${mark.property}`);
    }

    mark(marks: Mark[]): void {
        for (const { id, property } of marks) {
            this.marks.add(`${id}.${property}`);
        }
    }

    unmark(marks: Mark[]): void {
        for (const { id, property } of marks) {
            this.marks.delete(`${id}.${property}`);
        }
    }

    load(libraries: Library[]): Promise<unknown> {
        this.loads.push(libraries);
        return this.loading;
    }

    report(...report: [message: string, details?: string]): void {
        this.reports.push(report);
    }

    watch(changed: () => void): () => void {
        this.watchers.add(changed);
        return () => this.watchers.delete(changed);
    }
}

type Patch = ReturnType<typeof append>;

function patched(value: unknown, { operations }: Patch): unknown[] {
    if (!Array.isArray(value)) {
        throw new Error('Cannot patch undefined');
    }
    return [...(value as unknown[]), ...operations.map((o) => o.params.value)];
}
