import * as React from 'react';
import { percent } from './format';

type Props = {
    /** From 0 to 1; not known if left out. */
    share: number | undefined;
    /** What the bar is of. */
    label: string;
    /** What it says, in words. */
    text: string;
    className?: string;
};

/** A progress bar: as long as the share that is done, or moving if none is known. */
export function Bar({ share, label, text, className = '' }: Props) {
    const isKnown = share !== undefined;
    return (
        <div
            className={`long-job-bar ${isKnown ? '' : 'long-job-bar-unknown'} ${className}`}
            role="progressbar"
            aria-label={label}
            aria-valuetext={text}
            {...(isKnown && {
                'aria-valuemin': 0,
                'aria-valuemax': 100,
                'aria-valuenow': percent(share),
            })}
        >
            <div style={isKnown ? { width: `${share * 100}%` } : undefined} />
        </div>
    );
}
