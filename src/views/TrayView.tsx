import * as React from 'react';
import { useEffect, useRef, useState, type CSSProperties } from 'react';
import { engineOf } from '../engine/engines';
import { isFinal } from '../engine/wire/snapshot';
import { useNow, useDashStore, useWatched } from './hooks';
import { JobView } from './JobView';
import { LABELS } from './labels';
import { useBadge } from './useBadge';
import { useFocusKept } from './useFocusKept';
import { useNotices } from './useNotices';

type Props = {
    id?: string;
    labels?: object;
    className?: string;
    style?: CSSProperties;
    badge: boolean;
    notify: boolean;
};

/** A button that opens the list of all jobs of the tab, the newest first. */
export function TrayView({
    id,
    labels: words,
    className = '',
    style,
    badge,
    notify,
}: Props) {
    const dashStore = useDashStore();
    const runs = useWatched('runs', ({ listed }) => listed) ?? [];
    const live = runs.filter(({ status }) => !isFinal(status));
    const labels = { ...LABELS, ...words };
    const element = useRef<HTMLDetailsElement>(null);
    const summary = useRef<HTMLElement>(null);
    const focus = useFocusKept(summary);
    const [isOpen, setOpen] = useState(false);
    const [isAtEnd, setAtEnd] = useState(false);
    const now = useNow(isOpen && live.length > 0);
    useBadge(badge ? live.length : 0);
    const ask = useNotices(notify, runs, labels);

    useEffect(
        () =>
            badge || notify ? engineOf(dashStore).keepNotified() : undefined,
        [badge, notify, dashStore],
    );

    useEffect(() => {
        const closeFor = ({ target }: Event) => {
            if (!element.current?.contains(target as Node)) {
                setOpen(false);
            }
        };
        document.addEventListener('pointerdown', closeFor);
        return () => {
            document.removeEventListener('pointerdown', closeFor);
        };
    }, []);

    return (
        <details
            id={id}
            ref={element}
            className={`long-job-tray ${isAtEnd ? 'long-job-tray-end' : ''} ${className}`}
            style={style}
            open={isOpen}
            onToggle={({ currentTarget: details }) => {
                const { left, right } = details.getBoundingClientRect();
                setAtEnd(left + right > innerWidth);
                setOpen(details.open);
            }}
            onKeyDown={({ key }) => {
                if (key === 'Escape') {
                    setOpen(false);
                    summary.current?.focus();
                }
            }}
            {...focus}
        >
            <summary ref={summary}>
                {labels.jobs}
                {live.length > 0 && (
                    <span className="long-job-count">{live.length}</span>
                )}
            </summary>
            {isOpen && (
                <div className="long-job-panel">
                    {runs.length === 0 && labels.none}
                    <ul>
                        {[...runs].reverse().map((run) => (
                            <li
                                key={run.id}
                                className={`long-job long-job-${run.status}`}
                            >
                                <JobView
                                    run={run}
                                    now={Math.max(now, run.at)}
                                    shows={() => true}
                                    labels={labels}
                                    connection=""
                                />
                            </li>
                        ))}
                    </ul>
                    {ask && (
                        <button type="button" onClick={ask}>
                            {labels.notify}
                        </button>
                    )}
                    {runs.length > live.length && (
                        <button
                            type="button"
                            onClick={() => {
                                engineOf(dashStore).runs.clear();
                            }}
                        >
                            {labels.clear}
                        </button>
                    )}
                </div>
            )}
        </details>
    );
}
