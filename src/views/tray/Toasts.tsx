import * as React from 'react';
import { useCallback, useEffect, useState, type RefObject } from 'react';
import { here } from '../../engine/page/visit';
import type { Run } from '../../engine/state/run';
import { Actions } from '../job/Actions';
import { Announcer } from '../job/Announcer';
import type { Labels } from '../texts/labels';
import { errorText, statusText } from '../texts/runTexts';
import { useEnds, useQuestions } from './useEnds';
import { useFocusKept } from '../hooks/useFocusKept';

/** Milliseconds for which a toast stays, unless the user is at it. */
const TOAST_MS = 10_000;

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

    const tell = ({ id, status, location }: Run) => {
        // The user who cancels needs no message.
        if (status !== 'cancelled' && pathOf(location) !== pathOf(here())) {
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
    const [isPointedAt, setPointedAt] = useState(false);
    const [hasFocus, setFocus] = useState(false);
    const isInUse = isPointedAt || hasFocus;

    useEffect(() => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const restart = () => {
            clearTimeout(timer);
            if (!isInUse && !document.hidden) {
                timer = setTimeout(close, TOAST_MS, id);
            }
        };
        restart();
        document.addEventListener('visibilitychange', restart);
        return () => {
            clearTimeout(timer);
            document.removeEventListener('visibilitychange', restart);
        };
    }, [isInUse, id, close]);

    return (
        <li
            className={`long-job long-job-${status}`}
            onPointerEnter={() => {
                setPointedAt(true);
            }}
            onPointerLeave={() => {
                setPointedAt(false);
            }}
            onFocus={() => {
                setFocus(true);
            }}
            onBlur={() => {
                setFocus(false);
            }}
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

/** Return the path of a location, without its query. */
function pathOf(location: string): string | undefined {
    return location.split('?')[0];
}

/** Show an element above all others, wherever it is in the layout. */
function putOnTop(element: HTMLElement | null): void {
    // Older browsers have no popovers.
    if (element && 'showPopover' in element) {
        element.popover = 'manual';
        element.showPopover();
    }
}
