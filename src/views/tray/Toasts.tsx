import * as React from 'react';
import { useCallback, useState, type RefObject } from 'react';
import type { Run } from '../../engine/state/run';
import { Actions } from '../job/Actions';
import { Announcer } from '../job/Announcer';
import type { Labels } from '../texts/labels';
import { errorText, statusText } from '../texts/runTexts';
import { useEnds, useQuestions } from './useEnds';
import { isAt, useGoing, useInUse } from './useGoing';
import { useFocusKept } from '../hooks/useFocusKept';

type Props = {
    runs: readonly Run[];
    names: ReadonlyMap<Run, string>;
    labels: Labels;
    /** Gets the focus when a focused toast closes. */
    home: RefObject<HTMLElement>;
};

/** Tells of jobs that end, or ask, while the user is on another page than theirs. */
export function Toasts({ runs, names, labels, home }: Props) {
    const [ids, setIds] = useState<readonly string[]>([]);
    const focus = useFocusKept(home);
    const close = useCallback((id: string) => {
        setIds((before) => before.filter((each) => each !== id));
    }, []);

    const tell = (run: Run) => {
        const { id, status } = run;
        // The user who cancels needs no message.
        if (status !== 'cancelled' && !isAt(run, location.pathname)) {
            setIds((before) => [...before.filter((each) => each !== id), id]);
        }
    };
    useEnds(runs, tell);
    useQuestions(runs, tell);

    const told = runs.filter(({ id }) => ids.includes(id));
    return (
        <>
            <Announcer run={told.at(-1)} now={0} labels={labels} />
            {told.length > 0 && (
                <ul className="long-job-toasts" ref={putOnTop} {...focus}>
                    {told.map((run) => (
                        <Toast
                            key={run.id}
                            run={run}
                            name={names.get(run) ?? ''}
                            labels={labels}
                            close={close}
                        />
                    ))}
                </ul>
            )}
        </>
    );
}

type ToastProps = {
    run: Run;
    name: string;
    labels: Labels;
    close: (id: string) => void;
};

function Toast({ run, name, labels, close }: ToastProps) {
    const { id, status } = run;
    const [isInUse, uses] = useInUse();
    useGoing(run, isInUse, close);

    return (
        <li
            className={`long-job long-job-${status}`}
            {...uses}
            onKeyDown={({ key }) => {
                if (key === 'Escape') {
                    close(id);
                }
            }}
            // Each of its buttons closes it.
            onClick={({ target }) => {
                if ((target as Element).closest('button')) {
                    close(id);
                }
            }}
        >
            <div className="long-job-line">
                <span className="long-job-name">{name}</span>
                <span className="long-job-status">
                    {statusText(run, 0, labels)}
                </span>
            </div>
            <div className="long-job-line">
                <span className="long-job-text">
                    {run.error ? errorText(run) : run.question?.text}
                </span>
                <Actions
                    run={run}
                    name={name}
                    labels={labels}
                    shows={() => true}
                />
                <button type="button" aria-label={`${labels.close}: ${name}`}>
                    {labels.close}
                </button>
            </div>
        </li>
    );
}

/** Show an element above all others, wherever it is in the layout. */
function putOnTop(element: HTMLElement | null): void {
    // Older browsers have no popovers.
    if (element && 'showPopover' in element) {
        element.popover = 'manual';
        element.showPopover();
    }
}
