import * as React from 'react';
import { useState } from 'react';
import type { Run } from '../../engine/state/run';
import { copyText } from './copyText';
import type { Labels } from '../texts/labels';
import { errorText, exceptionTypeOf } from '../texts/runTexts';

/** A longer message is folded. */
const FOLDED_LINES = 6;
const FOLDED_LENGTH = 500;

type Props = { run: Run; labels: Labels };

/** Why a job ended without a result. The traceback comes in debug mode only. */
export function Failure({ run, labels }: Props) {
    const { message = '', traceback = '' } = run.error ?? {};
    const type = exceptionTypeOf(run);
    const [isOpen, setOpen] = useState(false);
    const [isCopied, setCopied] = useState(false);
    const isLong =
        message.length > FOLDED_LENGTH ||
        message.split('\n').length > FOLDED_LINES;
    const copy = () => {
        const text = [errorText(run), traceback].filter(Boolean).join('\n\n');
        void copyText(text).then(setCopied);
    };
    return (
        <div className="long-job-error">
            <div
                className={`long-job-message ${isLong && !isOpen ? 'long-job-folded' : ''}`}
            >
                {type && <strong>{type}</strong>}
                {type && message && ': '}
                {message}
            </div>
            {traceback && (
                <details>
                    <summary>{labels.details}</summary>
                    <pre tabIndex={0} aria-label={labels.details} role="region">
                        {traceback}
                    </pre>
                </details>
            )}
            <span className="long-job-actions">
                {isLong && (
                    <button
                        type="button"
                        aria-expanded={isOpen}
                        onClick={() => {
                            setOpen(!isOpen);
                        }}
                    >
                        {isOpen ? labels.less : labels.more}
                    </button>
                )}
                <button type="button" onClick={copy}>
                    {isCopied ? labels.copied : labels.copy}
                </button>
            </span>
        </div>
    );
}
