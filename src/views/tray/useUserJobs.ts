import { useEffect, useRef, useState } from 'react';
import type { Engine } from '../../engine/engine';
import { engineOf } from '../../engine/engines';
import { isTerminal } from '../../engine/wire/snapshot';
import type { UserJob } from '../../engine/wire/userJob';
import { useDashStore } from '../hooks/hooks';
import { fetchJobs } from './userJobs';

/** The time between two requests, with live jobs or an open list, and without. */
const LIVE_MS = 2000;
const IDLE_MS = 10_000;
/** The same after one that failed, or that found no user. */
const FAILED_MS = 30_000;

export type UserJobs = {
    /** The newest first. */
    jobs: readonly UserJob[];
    /** Ask the server now. */
    refresh: () => void;
};

/** Return the jobs of the user on all pages and devices; none while the page is hidden. */
export function useUserJobs(isWanted: boolean, isOpen: boolean): UserJobs {
    const dashStore = useDashStore();
    const [jobs, setJobs] = useState<readonly UserJob[]>([]);
    const watched = useRef<Watch>();

    useEffect(() => {
        if (!isWanted) {
            return;
        }
        const watch = new Watch(engineOf(dashStore), isOpen, setJobs);
        watched.current = watch;
        watch.look();
        document.addEventListener('visibilitychange', watch.look);
        return () => {
            document.removeEventListener('visibilitychange', watch.look);
            watch.stop();
        };
    }, [isWanted, isOpen, dashStore]);

    return {
        jobs,
        refresh: () => {
            watched.current?.look();
        },
    };
}

/** Asks for the jobs of the user regularly, with one request at a time. */
class Watch {
    readonly #engine: Engine;
    readonly #isOpen: boolean;
    readonly #show: (jobs: UserJob[]) => void;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #isAsking = false;
    #isStopped = false;

    constructor(
        engine: Engine,
        isOpen: boolean,
        show: (jobs: UserJob[]) => void,
    ) {
        this.#engine = engine;
        this.#isOpen = isOpen;
        this.#show = show;
    }

    stop(): void {
        this.#isStopped = true;
        clearTimeout(this.#timer);
    }

    readonly look = (): void => {
        clearTimeout(this.#timer);
        if (!this.#isAsking && !this.#isStopped && !document.hidden) {
            void this.#ask();
        }
    };

    async #ask(): Promise<void> {
        this.#isAsking = true;
        const wait = await this.#update();
        this.#isAsking = false;
        if (!this.#isStopped) {
            this.#timer = setTimeout(this.look, wait);
        }
    }

    /** Return how long to wait before the next request. */
    async #update(): Promise<number> {
        let jobs: UserJob[] | null;
        try {
            jobs = await fetchJobs(this.#engine);
        } catch {
            return FAILED_MS;
        }
        if (this.#isStopped) {
            return 0;
        }
        this.#show(jobs ?? []);
        if (!jobs) {
            return FAILED_MS;
        }
        const isLive = jobs.some(
            ({ snapshot }) => !isTerminal(snapshot.status),
        );
        return this.#isOpen || isLive ? LIVE_MS : IDLE_MS;
    }
}
