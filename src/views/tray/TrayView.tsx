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
import { useDashStore } from '../hooks/hooks';
import { useFocusKept } from '../hooks/useFocusKept';
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
    const dashStore = useDashStore();
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

    useEffect(() => {
        engineOf(dashStore).addPastResults(
            (parts) => new PastResults(parts, visit),
        );
    }, [dashStore]);

    useEffect(
        () =>
            badge || notify ? engineOf(dashStore).keepNotified() : undefined,
        [badge, notify, dashStore],
    );

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
                    {labels.jobs}
                    {live.length > 0 && (
                        <span className="long-job-count">{live.length}</span>
                    )}
                    {live.some(({ question }) => question) && (
                        <span className="long-job-badge">{labels.asking}</span>
                    )}
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
