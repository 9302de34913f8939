import * as React from 'react';
import { percent } from './format';

type Props = {
    /** From 0 to 1; not known if left out. */
    share: number | undefined;
    /** What the bar is of. */
    label: string;
    /** What it says, in words. */
    text: string;
};

/** A progress bar: as long as the share that is done, or moving if none is known. */
export function Bar({ share, label, text }: Props) {
    const isKnown = share !== undefined;
    return (
        <div
            className="long-job-bar"
            role="progressbar"
            aria-label={label}
            aria-valuetext={text}
            // From 0 to 100 by default; left out while it is not known.
            aria-valuenow={isKnown ? percent(share) : undefined}
        >
            <div style={isKnown ? { width: `${share * 100}%` } : undefined} />
        </div>
    );
}
