import * as React from 'react';
import type { Run } from '../../engine/state/run';
import { useNow } from '../hooks/hooks';
import { JobView } from '../job/JobView';
import { inList, ofOthers } from '../job/parts';
import { formatAgo } from '../texts/format';
import type { Labels } from '../texts/labels';
import type { ListedRuns } from './useListedRuns';
import { UserActions } from './UserActions';

/** Pixels between the panel and the edge of the window. */
const MARGIN = 8;

type Props = {
    listed: ListedRuns;
    names: Map<Run, string>;
    labels: Labels;
    /** Ask for the permission to notify, if that is still open. */
    ask: (() => void) | undefined;
};

/** The open list of a tray. */
export function Panel({ listed, names, labels, ask }: Props) {
    const { ended, live, runs } = listed;
    const now = useNow(live.length > 0);
    const date = useNow(runs.length > 0, Date.now);
    return (
        <div ref={keepInViewport} className="long-job-panel">
            {runs.length === 0 && labels.none}
            <ul>
                {[...ended, ...live].reverse().map((run) => (
                    <Item
                        key={run.id}
                        run={run}
                        name={names.get(run) ?? ''}
                        ago={formatAgo(date - run.began, labels)}
                        now={now}
                        listed={listed}
                        labels={labels}
                    />
                ))}
            </ul>
            {ask && (
                <button type="button" onClick={ask}>
                    {labels.notify}
                </button>
            )}
            {ended.length > 0 && (
                <button type="button" onClick={listed.clear}>
                    {labels.clear}
                </button>
            )}
        </div>
    );
}

type ItemProps = {
    run: Run;
    name: string;
    ago: string;
    now: number;
    listed: ListedRuns;
    labels: Labels;
};

function Item({ run, name, ago, now, listed, labels }: ItemProps) {
    const job = listed.jobOf(run);
    const isElsewhere = listed.others.includes(run);
    const asking = run.question ? ' long-job-asking' : '';
    return (
        <li className={`long-job long-job-${run.status}${asking}`}>
            <JobView
                run={run}
                name={name}
                ago={ago}
                now={Math.max(now, run.at)}
                shows={isElsewhere ? ofOthers : inList}
                labels={labels}
                connection={run.isUnreachable ? labels.reconnecting : ''}
            />
            {job && (
                <UserActions
                    job={job}
                    name={name}
                    labels={labels}
                    isElsewhere={isElsewhere}
                    refresh={listed.refresh}
                />
            )}
        </li>
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
