import * as React from 'react';
import { useRef, type CSSProperties, type ReactNode } from 'react';
import { engineOf } from '../../engine/engines';
import type { Run } from '../../engine/state/run';
import { stringifyId, type Id } from '../../engine/wire/id';
import { isTerminal } from '../../engine/wire/snapshot';
import { Announcer } from './Announcer';
import { useChange, useNow, useDashStore, useWatched } from '../hooks/hooks';
import { JobView } from './JobView';
import { nameOf } from '../texts/labels';
import { defaultFor, type Part, type Shows } from './parts';
import { useFocusKept } from '../hooks/useFocusKept';
import { useLabels } from '../texts/useLabels';
import { usePublished } from './usePublished';
import { useScript } from '../hooks/useScript';

type Props = {
    id?: Id;
    setProps?: (props: Record<string, unknown>) => void;
    children?: ReactNode;
    show?: readonly Part[];
    extra?: readonly Part[];
    variant?: 'full' | 'compact';
    labels?: object | string;
    className?: string;
    style?: CSSProperties;
    cancel?: unknown;
    retry?: unknown;
};

/** Shows the run of a component, and sets the properties that callbacks read. */
export function StatusView({
    id = '',
    setProps = () => undefined,
    children,
    show,
    extra = [],
    variant,
    labels: words,
    className = '',
    style,
    cancel,
    retry,
}: Props) {
    const run = useWatched('runs', (runs) => runs.of(id));
    const isLive = run !== undefined && !isTerminal(run.status);
    const page = useWatched('connection', ({ state }) => state) ?? 'online';
    const connection =
        page === 'online' && run?.isUnreachable ? 'reconnecting' : page;
    // A run that changed after the last tick is newer than the clock.
    const now = Math.max(useNow(isLive), run?.at ?? 0);
    const usual: Shows = show
        ? (part) => show.includes(part)
        : defaultFor(run?.title);
    const shows: Shows = (part) => usual(part) || extra.includes(part);
    const labels = useLabels(words);
    const isCompact = variant === 'compact';
    const details = useScript('details', isCompact);
    const View = isCompact ? details?.CompactView : JobView;
    const element = useRef<HTMLDivElement>(null);
    const focus = useFocusKept(element);

    usePublished(id, run, now, connection, setProps);
    useCommands(id, run, cancel, retry);

    if (show?.length === 0) {
        return null;
    }
    return (
        <div
            id={id ? stringifyId(id) : undefined}
            ref={element}
            className={classNames(run, isCompact, className)}
            style={style}
            role={run && 'group'}
            aria-label={run && nameOf(run, labels)}
            tabIndex={-1}
            {...focus}
        >
            {run
                ? View && (
                      <View
                          run={run}
                          name={nameOf(run, labels)}
                          now={now}
                          shows={shows}
                          labels={labels}
                          connection={
                              connection === 'online' ? '' : labels[connection]
                          }
                      />
                  )
                : children}
            <Announcer run={run} now={now} labels={labels} />
        </div>
    );
}

/** Do what callbacks ask for through the properties `cancel` and `retry`. */
function useCommands(
    id: Id,
    run: Run | undefined,
    cancel: unknown,
    retry: unknown,
): void {
    const dashStore = useDashStore();
    useChange(cancel, () => {
        engineOf(dashStore).cancelView(id);
    });
    useChange(retry, () => {
        if (run) {
            void engineOf(dashStore).retry(run.id);
        }
    });
}

function classNames(
    run: Run | undefined,
    isCompact: boolean,
    own: string,
): string {
    return [
        'long-job',
        run && `long-job-${run.status}`,
        run?.question && 'long-job-asking',
        isCompact && 'long-job-compact',
        run?.stale && 'long-job-stale',
        own,
    ]
        .filter(Boolean)
        .join(' ');
}
