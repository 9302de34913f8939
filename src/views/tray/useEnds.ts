import { useEffect, useRef } from 'react';
import type { Run } from '../../engine/state/run';
import { isTerminal } from '../../engine/wire/snapshot';

/** Call back when a run ends that was live before. */
export function useEnds(runs: readonly Run[], ended: (run: Run) => void): void {
    const live = useRef(new Set<string>());

    useEffect(() => {
        for (const run of runs) {
            if (!isTerminal(run.status)) {
                live.current.add(run.id);
            } else if (live.current.delete(run.id)) {
                ended(run);
            }
        }
    });
}

/** Call back when a run asks something, once for each question. */
export function useQuestions(
    runs: readonly Run[],
    asked: (run: Run) => void,
): void {
    const known = useRef(new Map<string, string>());

    useEffect(() => {
        for (const run of runs) {
            const { id, question } = run;
            if (question && known.current.get(id) !== question.id) {
                known.current.set(id, question.id);
                asked(run);
            }
        }
    });
}
