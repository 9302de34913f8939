import * as React from 'react';
import { useLayoutEffect, useRef } from 'react';
import type { LogLine } from '../engine/wire/snapshot';
import type { Labels } from './labels';

type Props = { lines: readonly LogLine[]; labels: Labels };

/** The last lines that a job has logged, folded, with the newest in its summary. */
export function Log({ lines, labels }: Props) {
    const box = useRef<HTMLPreElement>(null);
    const isFollowing = useRef(true);

    const follow = () => {
        const { current } = box;
        if (current && isFollowing.current) {
            current.scrollTop = current.scrollHeight;
        }
    };
    useLayoutEffect(follow, [lines]);

    return (
        <details className="long-job-log" onToggle={follow}>
            <summary>
                {labels.log} <span>{lines.at(-1)?.[1]}</span>
            </summary>
            <pre
                ref={box}
                tabIndex={0}
                role="region"
                aria-label={labels.log}
                onScroll={({ currentTarget: pre }) => {
                    // A user who has scrolled up reads there: don't scroll.
                    isFollowing.current =
                        pre.scrollTop + pre.clientHeight >=
                        pre.scrollHeight - 4;
                }}
            >
                {lines.map(([, text]) => text).join('\n')}
            </pre>
        </details>
    );
}
