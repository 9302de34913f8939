import type { Engine } from '../../engine/engine';
import type { JobHandle } from '../../engine/state/job';
import { newRun, outputOf, type Run } from '../../engine/state/run';
import type { Runs } from '../../engine/state/runs';
import { ended, withSnapshot } from '../../engine/state/runChanges';
import { isTerminal } from '../../engine/wire/snapshot';
import { jobIdOf, type UserJob } from '../../engine/wire/userJob';
import { LINK_PARAMETER } from '../../engine/page/link';
import { visit } from '../../engine/page/visit';
import { stringifyId } from '../../engine/wire/id';

/** Ask the server for the jobs of the user, or for that of a link. Null: it knows no user. */
export async function fetchJobs(
    { client }: Engine,
    link?: string,
): Promise<UserJob[] | null> {
    type Answer = { jobs: UserJob[] | null };
    const body = link ? { link } : {};
    return (await client.ask<Answer>('jobs', body, 'jobs')).jobs;
}

/** Return what people see of a job. */
export function runOf(job: UserJob): Run {
    const { id, name, title, tokens, destination, snapshot } = job;
    const run = withSnapshot(
        newRun({
            id,
            name,
            title: title ?? '',
            token: tokens[0],
            location: destination?.location ?? '',
            view: destination?.view ?? null,
            outputs: destination?.outputs ?? [],
            began: Date.now() - job.age * 1000,
        }),
        snapshot,
    );
    return isTerminal(snapshot.status)
        ? ended(run, snapshot.status, snapshot.error)
        : run;
}

/** Go to the page of a job, and follow the job or show its result there. */
export function openJob(engine: Engine, job: UserJob): void {
    const run = runOf(job);
    const own = ownRunOf(engine, job);
    if (own) {
        engine.visit(own.id);
        return;
    }
    if (isTerminal(run.status)) {
        insert(engine.runs, run);
        engine.visit(run.id);
        return;
    }
    const output = outputOf(run);
    visit(run.location, output && stringifyId(output));
    engine.take([handleOf(job)]);
}

/** Return the run by which the tab follows a job already, or has seen its end. */
function ownRunOf({ runs }: Engine, { id, snapshot }: UserJob) {
    return runs.listed.find(
        ({ token, status }) =>
            jobIdOf(token) === id &&
            (!isTerminal(status) || status === snapshot.status),
    );
}

/** Add a run before those that began later: it must not take a view from them. */
function insert(runs: Runs, run: Run): void {
    const later = runs.listed.filter(({ began }) => began > run.began);
    runs.put(run);
    for (const each of later) {
        runs.forget(each.id);
        runs.put(each);
    }
    runs.flush();
}

/** Return a handle to follow a job that another page has started. */
function handleOf(job: UserJob): JobHandle {
    const { id, name, title, tokens, destination } = job;
    return {
        run: id,
        token: tokens[0],
        name,
        title,
        view: destination?.view ?? null,
        outputs: destination?.outputs ?? [],
        // In no lane of this page: it replaces nothing.
        callbackKey: id,
        retrigger: 'parallel',
        shownOnly: true,
        seq: 0,
        page: '',
        inputDigests: [],
        interval: FOLLOW_MS,
        running: [],
        progress: [],
        cancel: [],
    };
}

/** The longest wait between two polls for a job that was opened. */
const FOLLOW_MS = 2000;

/** Return the address of a link to a job, which only its user can open. */
export function linkTo({ destination, tokens }: UserJob): string | undefined {
    if (!destination) {
        return undefined;
    }
    const url = new URL(destination.location, location.href);
    url.searchParams.set(LINK_PARAMETER, tokens[0]);
    return url.href;
}
