import * as React from 'react';
import { useEffect, useRef, useState, type CSSProperties } from 'react';
import { engineOf } from '../../engine/engines';
import { visit } from '../../engine/page/visit';
import { PastResults } from '../../engine/pastResults';
import type { Run } from '../../engine/state/run';
import { isTerminal } from '../../engine/wire/snapshot';
import { jobIdOf } from '../../engine/wire/userJob';
import { formatAgo } from '../texts/format';
import { useDashStore, useNow, useWatched } from '../hooks/hooks';
import { JobView } from '../job/JobView';
import { nameOf, type Labels } from '../texts/labels';
import { inList, ofOthers } from '../job/parts';
import { Toasts } from './Toasts';
import { useBadge } from './useBadge';
import { useFocusKept } from '../hooks/useFocusKept';
import { useLabels } from '../texts/useLabels';
import { UserActions } from './UserActions';
import { useLink } from './useLink';
import { useNotices } from './useNotices';
import { useUserJobs } from './useUserJobs';
import { runOf } from './userJobs';

/** Pixels between the panel and the edge of the window. */
const MARGIN = 8;

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
    const own = useWatched('runs', ({ listed }) => listed) ?? [];
    const [isOpen, setOpen] = useState(false);
    const { jobs, refresh } = useUserJobs(scope === 'user', isOpen);
    const [hidden, setHidden] = useState<readonly string[]>([]);
    const byId = new Map(jobs.map((job) => [job.id, job]));
    const followed = own.map(({ token }) => jobIdOf(token));
    const others = jobs
        .filter(({ id }) => !followed.includes(id) && !hidden.includes(id))
        .map(runOf);
    const runs = [...own, ...others].sort((a, b) => a.began - b.began);
    const live = runs.filter(({ status }) => !isTerminal(status));
    const ended = runs.filter(({ status }) => isTerminal(status));
    const labels = useLabels(words);
    const names = namesOf(runs, labels);
    const element = useRef<HTMLDetailsElement>(null);
    const summary = useRef<HTMLElement>(null);
    const focus = useFocusKept(summary);
    const now = useNow(isOpen && live.length > 0);
    const date = useNow(isOpen && runs.length > 0, Date.now);
    useBadge(badge ? live.length : 0);
    const open = () => {
        setOpen(true);
    };
    const ask = useNotices(notify, own, labels, open);
    useLink(open);

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

    useEffect(() => {
        if (!isOpen) {
            return;
        }
        const closeFor = ({ target }: Event) => {
            if (!element.current?.contains(target as Node)) {
                setOpen(false);
            }
        };
        const closeByEscape = ({ key }: KeyboardEvent) => {
            if (key === 'Escape') {
                setOpen(false);
                summary.current?.focus();
            }
        };
        document.addEventListener('pointerdown', closeFor);
        document.addEventListener('keydown', closeByEscape);
        return () => {
            document.removeEventListener('pointerdown', closeFor);
            document.removeEventListener('keydown', closeByEscape);
        };
    }, [isOpen]);

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
                {isOpen && (
                    <div ref={keepInViewport} className="long-job-panel">
                        {runs.length === 0 && labels.none}
                        <ul>
                            {[...ended, ...live].reverse().map((run) => {
                                const name = names.get(run) ?? '';
                                const job = byId.get(jobIdOf(run.token) ?? '');
                                const isElsewhere = others.includes(run);
                                return (
                                    <li
                                        key={run.id}
                                        className={`long-job long-job-${run.status}${run.question ? ' long-job-asking' : ''}`}
                                    >
                                        <JobView
                                            run={run}
                                            name={name}
                                            ago={formatAgo(
                                                date - run.began,
                                                labels,
                                            )}
                                            now={Math.max(now, run.at)}
                                            shows={
                                                isElsewhere ? ofOthers : inList
                                            }
                                            labels={labels}
                                            connection={
                                                run.isUnreachable
                                                    ? labels.reconnecting
                                                    : ''
                                            }
                                        />
                                        {job && (
                                            <UserActions
                                                job={job}
                                                name={name}
                                                labels={labels}
                                                isElsewhere={isElsewhere}
                                                refresh={refresh}
                                            />
                                        )}
                                    </li>
                                );
                            })}
                        </ul>
                        {ask && (
                            <button type="button" onClick={ask}>
                                {labels.notify}
                            </button>
                        )}
                        {ended.length > 0 && (
                            <button
                                type="button"
                                onClick={() => {
                                    engineOf(dashStore).runs.clear();
                                    setHidden((before) => [
                                        ...before,
                                        ...ended.map(
                                            ({ id, token }) =>
                                                jobIdOf(token) ?? id,
                                        ),
                                    ]);
                                }}
                            >
                                {labels.clear}
                            </button>
                        )}
                    </div>
                )}
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

/** Move a panel that would reach beyond the left or right edge of the window. */
function keepInViewport(panel: HTMLElement | null): void {
    if (panel) {
        const { left, right } = panel.getBoundingClientRect();
        const { clientWidth } = document.documentElement;
        const shift = Math.min(0, clientWidth - MARGIN - right);
        panel.style.translate = `${Math.max(shift, MARGIN - left)}px`;
    }
}

/** Return a name for each run; runs with the same name get a number in addition. */
function namesOf(runs: readonly Run[], labels: Labels): Map<Run, string> {
    const groups = new Map<string, Run[]>();
    for (const run of runs) {
        const name = nameOf(run, labels);
        groups.set(name, [...(groups.get(name) ?? []), run]);
    }
    return new Map(
        [...groups].flatMap(([name, group]) =>
            group.map((run, index): [Run, string] => [
                run,
                group.length > 1 ? `${name} ${index + 1}` : name,
            ]),
        ),
    );
}
