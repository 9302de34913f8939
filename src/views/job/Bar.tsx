import * as React from 'react';
import { percent } from '../texts/format';

type Props = {
    /** From 0 to 1; undefined if it is not known. */
    share: number | undefined;
    /** The text of the bar. */
    label: string;
    /** Its value in words. */
    text: string;
};

/**
 * A progress bar. It moves back and forth if the share is not known.
 *
 * It grows smoothly. Where another loop or attempt begins, it is short at once: a bar that
 * shrinks would look like lost work.
 */
export function Bar({ share, label, text }: Props) {
    const isKnown = share !== undefined;
    const [last, setLast] = React.useState({ share, isShorter: false });
    if (share !== last.share) {
        setLast({ share, isShorter: (share ?? 0) < (last.share ?? 0) });
    }
    const transition = last.isShorter ? 'none' : undefined;
    return (
        <div
            className="long-job-bar"
            role="progressbar"
            aria-label={label}
            aria-valuetext={text}
            // On the default scale from 0 to 100; left out if it is not known.
            aria-valuenow={isKnown ? percent(share) : undefined}
        >
            <div
                style={
                    isKnown
                        ? { width: `${share * 100}%`, transition }
                        : undefined
                }
            />
        </div>
    );
}
