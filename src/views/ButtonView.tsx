import * as React from 'react';
import {
    useRef,
    type CSSProperties,
    type MouseEvent,
    type ReactNode,
} from 'react';
import { engineOf } from '../engine/engines';
import { stringifyId, type Id } from '../engine/wire/id';
import { isTerminal } from '../engine/wire/snapshot';
import { Announcer } from './job/Announcer';
import { useDashStore, useWatched } from './hooks/hooks';
import { useLabels } from './texts/useLabels';
import { usePressed } from './hooks/usePressed';

/** Between two clicks that are no double click. */
const DOUBLE_CLICK_MS = 500;

type Props = {
    id?: Id;
    children?: ReactNode;
    n_clicks: number;
    job?: string | object;
    busy?: ReactNode;
    cancel: boolean;
    disabled: boolean;
    labels?: object | string;
    className?: string;
    style?: CSSProperties;
    setProps?: (props: Record<string, unknown>) => void;
};

/** A button that is busy from its click to the end of the job that this starts. */
export function ButtonView({
    id = '',
    children,
    n_clicks,
    job,
    busy,
    cancel,
    disabled,
    labels: words,
    className = '',
    style,
    setProps = () => undefined,
}: Props) {
    const dashStore = useDashStore();
    const labels = useLabels(words);
    const run = useWatched('runs', (runs) =>
        runs.startedBy(id, job as Id | undefined),
    );
    const isLive = run !== undefined && !isTerminal(run.status);
    const [isPressed, press] = usePressed(id, isLive);
    const isBusy = isLive || isPressed;
    const clickedAt = useRef(-DOUBLE_CLICK_MS);

    const click = (event: MouseEvent<HTMLButtonElement>) => {
        // A form must not load the page again; and what it refuses starts nothing.
        event.preventDefault();
        const { form } = event.currentTarget;
        const since = event.timeStamp - clickedAt.current;
        if (disabled || since < DOUBLE_CLICK_MS) {
            return;
        }
        if (isLive && cancel) {
            if (form && isByField(event)) {
                return;
            }
            engineOf(dashStore).cancelRun(run.id);
        } else if (!isBusy && (form?.reportValidity() ?? true)) {
            press();
            setProps({ n_clicks: n_clicks + 1 });
        } else {
            return;
        }
        clickedAt.current = event.timeStamp;
    };
    const isCancel = isLive && cancel;
    return (
        <>
            <button
                id={id ? stringifyId(id) : undefined}
                className={`long-job-button ${className}`}
                style={style}
                aria-busy={isBusy}
                // Unlike `disabled`, this keeps the focus.
                aria-disabled={isBusy && !isCancel}
                disabled={disabled}
                onClick={click}
            >
                {isBusy
                    ? (busy ?? (isCancel ? labels.cancel : children))
                    : children}
            </button>
            {/* A view announces its runs itself. */}
            <Announcer
                run={run?.view ? undefined : run}
                now={run?.at ?? 0}
                labels={labels}
            />
        </>
    );
}

/** Enter in a field of its form clicks a button, without the pointer or the focus. */
function isByField({ detail, currentTarget }: MouseEvent): boolean {
    return detail === 0 && currentTarget !== document.activeElement;
}
