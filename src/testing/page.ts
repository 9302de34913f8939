import type { Handle } from '../engine/wire/handle';
import { parseId, propIdOf, stringifyId, type Id } from '../engine/wire/id';
import type { Library } from '../engine/wire/library';
import type { LoadingMark, Path } from '../engine/page/dashState';
import type { Page } from '../engine/page/page';
import { fits, type Pattern } from '../engine/wire/pattern';
import type { TriggerInfo } from '../engine/wire/callbackRequest';
import type {
    CallbackAnswer,
    CallbackRequest,
} from '../engine/wire/callbackRequest';
import { isPatch } from '../engine/wire/update';

type Props = Record<string, unknown>;

/** Return a Patch that appends to a list, as Dash serialises it. */
export function append(value: unknown) {
    return {
        __dash_patch_update: '__dash_patch_update',
        operations: [
            { operation: 'Append', location: [] as never[], params: { value } },
        ],
    };
}

/** A page in memory: its components, and all calls that set their properties. */
export class FakePage implements Page {
    readonly components = new Map<string, Props>();
    readonly calls: [Id, Props][] = [];
    readonly marks = new Set<string>();
    readonly reports: [message: string, details?: string][] = [];
    readonly loads: Library[][] = [];
    readonly watchers = new Set<() => void>();
    /** Handles that the engine has not taken yet. */
    untaken: Handle[] = [];
    /** Properties that callbacks read, as `id.property`. */
    readonly reads = new Set<string>();
    readonly requests = new Map<number, CallbackRequest>();
    readonly sent: [request: CallbackRequest, info: TriggerInfo][] = [];
    readonly visits: [location: string, id: Id | null][] = [];
    location = '/';
    isUntouched = false;
    isRestored = false;
    answer: () => Promise<CallbackAnswer> = () => Promise.resolve({});
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

    value(id: Id, property: string): unknown {
        return this.props(id)?.[property];
    }

    find(pattern: Pattern): Id[] {
        return [...this.components.keys()]
            .map(parseId)
            .filter((id) => fits(pattern, id));
    }

    isRead(id: Id, property: string): boolean {
        return this.reads.has(propIdOf(id, property));
    }

    request(seq: number): CallbackRequest | undefined {
        return this.requests.get(seq);
    }

    loadChunk(): Promise<unknown> {
        return this.loading;
    }

    send(
        ...sent: [request: CallbackRequest, info: TriggerInfo]
    ): Promise<CallbackAnswer> {
        this.sent.push(sent);
        return this.answer();
    }

    readonly visit = (...visit: [location: string, id: Id | null]): void => {
        this.visits.push(visit);
    };

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

    isMarked(mark: LoadingMark): boolean {
        return this.marks.has(`${mark.id}.${mark.property}`);
    }

    mark(marks: LoadingMark[]): void {
        for (const { id, property } of marks) {
            this.marks.add(`${id}.${property}`);
        }
    }

    unmark(marks: LoadingMark[]): void {
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
