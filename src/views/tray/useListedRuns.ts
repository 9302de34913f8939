import { useState } from 'react';
import { engineOf } from '../../engine/engines';
import type { Run } from '../../engine/state/run';
import { isTerminal } from '../../engine/wire/snapshot';
import { jobIdOf, type UserJob } from '../../engine/wire/userJob';
import { useDashStore, useWatched } from '../hooks/hooks';
import { runOf } from './userJobs';
import { useUserJobs } from './useUserJobs';

export type ListedRuns = {
    /** Those of the tab. */
    own: readonly Run[];
    /** Those that other pages and devices of the user follow. */
    others: readonly Run[];
    /** All of them, by time. */
    runs: readonly Run[];
    live: readonly Run[];
    ended: readonly Run[];
    /** The user's job of a run, if the server knows it as theirs. */
    jobOf: (run: Run) => UserJob | undefined;
    /** Ask the server for the jobs of the user now. */
    refresh: () => void;
    /** Take the runs that have ended off the list. */
    clear: () => void;
};

/** Return the runs that a tray lists: those of the tab, and those of the user if wanted. */
export function useListedRuns(isOfUser: boolean, isOpen: boolean): ListedRuns {
    const dashStore = useDashStore();
    const own = useWatched('runs', ({ listed }) => listed) ?? [];
    const { jobs, refresh } = useUserJobs(isOfUser, isOpen);
    const [hidden, setHidden] = useState<readonly string[]>([]);
    const byId = new Map(jobs.map((job) => [job.id, job]));
    const followed = own.map(({ token }) => jobIdOf(token));
    const others = jobs
        .filter(({ id }) => !followed.includes(id) && !hidden.includes(id))
        .map(runOf);
    const runs = [...own, ...others].sort((a, b) => a.began - b.began);
    const ended = runs.filter(({ status }) => isTerminal(status));
    return {
        own,
        others,
        runs,
        live: runs.filter(({ status }) => !isTerminal(status)),
        ended,
        jobOf: ({ token }) => byId.get(jobIdOf(token) ?? ''),
        refresh,
        clear: () => {
            engineOf(dashStore).runs.clear();
            const ids = ended.map(({ id, token }) => jobIdOf(token) ?? id);
            setHidden((before) => [...before, ...ids]);
        },
    };
}
