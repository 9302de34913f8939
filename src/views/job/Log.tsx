import * as React from 'react';
import { useLayoutEffect, useRef, useState } from 'react';
import type { Run } from '../../engine/state/run';
import type { LogLine } from '../../engine/wire/snapshot';
import { download } from './download';
import type { Labels } from '../texts/labels';

/** From so many lines on, there is a field to search in them. */
const LONG = 15;

type Props = { run: Run; name: string; labels: Labels };

type LineProps = { line: LogLine; labels: Labels; hasTime: boolean };

/** The last lines that a job has logged, folded, with the newest in its summary. */
export function Log({ run, name, labels }: Props) {
    const { log } = run;
    const box = useRef<HTMLPreElement>(null);
    const isFollowing = useRef(true);
    const [words, search] = useState('');
    const [hasTimes, showTimes] = useState(false);
    const wanted = words.toLowerCase();
    const lines = log.filter(([, text]) => text.toLowerCase().includes(wanted));

    const follow = () => {
        const { current } = box;
        if (current && isFollowing.current) {
            current.scrollTop = current.scrollHeight;
        }
    };
    useLayoutEffect(follow, [log, hasTimes]);

    return (
        <details className="long-job-log" onToggle={follow}>
            <summary>
                {labels.log} <span>{log.at(-1)?.[1]}</span>
            </summary>
            <Tools
                {...{ log, name, labels, words, search, hasTimes, showTimes }}
            />
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
                {lines.map((line) => (
                    <LineView
                        key={line[0]}
                        line={line}
                        labels={labels}
                        hasTime={hasTimes}
                    />
                ))}
            </pre>
        </details>
    );
}

type ToolsProps = {
    log: Run['log'];
    name: string;
    labels: Labels;
    words: string;
    search: (words: string) => void;
    hasTimes: boolean;
    showTimes: (isWanted: boolean) => void;
};

/** What people can do with a log: search in it, show its times, download it. */
function Tools(props: ToolsProps) {
    const { log, name, labels, words, search, hasTimes, showTimes } = props;
    return (
        <div className="long-job-actions">
            {log.length > LONG && (
                <input
                    type="search"
                    // Of no form: Enter in it must not click a form's button.
                    form=""
                    placeholder={labels.search}
                    aria-label={`${labels.search}: ${name}`}
                    value={words}
                    onChange={({ currentTarget }) => {
                        search(currentTarget.value);
                    }}
                />
            )}
            <button
                type="button"
                aria-pressed={hasTimes}
                onClick={() => {
                    showTimes(!hasTimes);
                }}
            >
                {labels.times}
            </button>
            <button
                type="button"
                onClick={() => {
                    download(`${name}.log`, log.map(textOf).join(''));
                }}
            >
                {labels.download}
            </button>
        </div>
    );
}

function LineView({ line, labels, hasTime }: LineProps) {
    const [, text, time] = line;
    return (
        <span className={levelOf(line).className}>
            {hasTime && time !== undefined && (
                <time>{clock(time, labels)}</time>
            )}
            {`${text}\n`}
        </span>
    );
}

type Level = { lowest: number; name: string; className?: string };

/** The levels of Python's logging, from the lowest number of each up. */
const LEVELS: Level[] = [
    { lowest: 40, name: 'ERROR', className: 'long-job-log-error' },
    { lowest: 30, name: 'WARNING', className: 'long-job-log-warning' },
    { lowest: 20, name: 'INFO' },
];
const DEBUG: Omit<Level, 'lowest'> = {
    name: 'DEBUG',
    className: 'long-job-log-debug',
};

/** Lines of level INFO have none. */
function levelOf([, , , level = 20]: LogLine): Omit<Level, 'lowest'> {
    return LEVELS.find(({ lowest }) => level >= lowest) ?? DEBUG;
}

function clock(seconds: number, { locale }: Labels): string {
    const format = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
    return format.format(seconds * 1000);
}

/** A line of the file. */
function textOf(line: LogLine): string {
    const [, text, time] = line;
    const date =
        time === undefined ? '' : `${new Date(time * 1000).toISOString()} `;
    return `${date}${levelOf(line).name} ${text}\n`;
}
