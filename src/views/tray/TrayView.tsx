import * as React from 'react';
import {
    useCallback,
    useEffect,
    useRef,
    useState,
    type CSSProperties,
} from 'react';
import { engineOf } from '../../engine/engines';
import { visit } from '../../engine/page/visit';
import { PastResults } from '../../engine/pastResults';
import type { Run } from '../../engine/state/run';
import { useDashStore } from '../hooks/hooks';
import { useFocusKept } from '../hooks/useFocusKept';
import type { Labels } from '../texts/labels';
import { useLabels } from '../texts/useLabels';
import { namesOf } from './names';
import { Panel } from './Panel';
import { Toasts } from './Toasts';
import { useBadge } from './useBadge';
import { useClosing } from './useClosing';
import { useLink } from './useLink';
import { useListedRuns } from './useListedRuns';
import { useNotices } from './useNotices';

type Props = {
    id?: string;
    labels?: object | string;
    className?: string;
    style?: CSSProperties;
    badge?: boolean;
    notify?: boolean;
    toasts?: boolean;
    /** Whose jobs it lists: those of the tab, or of the user. */
    scope?: 'tab' | 'user';
};

/** A button that opens the list of all jobs of the tab: live ones first, then by time. */
export function TrayView({
    id,
    labels: words,
    className = '',
    style,
    badge = true,
    notify = true,
    toasts = true,
    scope = 'tab',
}: Props) {
    const [isOpen, setOpen] = useState(false);
    const open = useCallback(() => {
        setOpen(true);
    }, []);
    const close = useCallback(() => {
        setOpen(false);
    }, []);
    const listed = useListedRuns(scope === 'user', isOpen);
    const { live, own } = listed;
    const labels = useLabels(words);
    const names = namesOf(listed.runs, labels);
    const element = useRef<HTMLDetailsElement>(null);
    const summary = useRef<HTMLElement>(null);
    const focus = useFocusKept(summary);
    const ask = useNotices(notify, own, labels, open);
    useBadge(badge ? live.length : 0);
    useLink(open);
    useClosing(isOpen, element, summary, close);

    useEngine(badge || notify);

    return (
        <>
            <details
                id={id}
                ref={element}
                className={`long-job-tray ${className}`}
                style={style}
                open={isOpen}
                onToggle={({ currentTarget: details }) => {
                    setOpen(details.open);
                }}
                {...focus}
            >
                <summary ref={summary}>
                    <Title live={live} labels={labels} />
                </summary>
                {isOpen && <Panel {...{ listed, names, labels, ask }} />}
            </details>
            {toasts && (
                <Toasts
                    runs={own}
                    names={names}
                    labels={labels}
                    home={summary}
                />
            )}
        </>
    );
}

/** What the closed tray says: that there are live jobs, and that one asks. */
function Title({ live, labels }: { live: readonly Run[]; labels: Labels }) {
    return (
        <>
            {labels.jobs}
            {live.length > 0 && (
                <span className="long-job-count">{live.length}</span>
            )}
            {live.some(({ question }) => question) && (
                <span className="long-job-badge">{labels.asking}</span>
            )}
        </>
    );
}

/** Have the engine show past results again and, if wanted, poll on a hidden page. */
function useEngine(isNotified: boolean): void {
    const dashStore = useDashStore();

    useEffect(() => {
        engineOf(dashStore).addPastResults(
            (parts) => new PastResults(parts, visit),
        );
    }, [dashStore]);

    useEffect(
        () => (isNotified ? engineOf(dashStore).keepNotified() : undefined),
        [isNotified, dashStore],
    );
}
