import * as React from 'react';

type Props = {
    facts: (string | false | undefined)[];
    className: string;
};

/** Short texts in a row, without the empty ones. */
export function Facts({ facts, className }: Props) {
    const told = facts.filter(Boolean);
    return told.length > 0 ? (
        <span className={className}>
            {told.map((fact, index) => (
                <span key={index}>{fact}</span>
            ))}
        </span>
    ) : null;
}
