import type { Engine } from '../../engine/engine';
import type { JobHandle } from '../../engine/state/job';
import { newRun, outputOf, type Run } from '../../engine/state/run';
import { ended, withSnapshot } from '../../engine/state/runChanges';
import { isTerminal } from '../../engine/wire/snapshot';
import type { UserJob } from '../../engine/wire/userJob';
import { LINK_PARAMETER } from '../../engine/page/link';
import { visit } from '../../engine/page/visit';
import { stringifyId } from '../../engine/wire/id';

/** Ask the server for the jobs of the user, or for that of a link. Null: it knows no user. */
export async function fetchJobs(
    { client }: Engine,
    link?: string,
): Promise<UserJob[] | null> {
    const { text } = await client.post('jobs', link ? { link } : {});
    return (JSON.parse(text) as { jobs: UserJob[] | null }).jobs;
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
    if (isTerminal(run.status)) {
        engine.runs.put(run);
        engine.visit(run.id);
        return;
    }
    const output = outputOf(run);
    visit(run.location, output && stringifyId(output));
    engine.take([handleOf(job)]);
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
        // In no lane of this page: it replaces nothing, and nothing replaces it.
        callbackKey: id,
        retrigger: 'parallel',
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
