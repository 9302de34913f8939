import { useEffect } from 'react';
import { engineOf } from '../../engine/engines';
import { linked } from '../../engine/page/link';
import { newRun } from '../../engine/state/run';
import { ended } from '../../engine/state/runChanges';
import { useDashStore } from '../hooks/hooks';
import { fetchJobs, openJob } from './userJobs';

const RETRY_MS = 2000;

/** Once for each load of the page, however many trays it has. */
let isOpened = false;

/** Open the job of the link that has led to the page. `failed` tells that there is none. */
export function useLink(failed: () => void): void {
    const dashStore = useDashStore();

    useEffect(() => {
        if (!linked || isOpened) {
            return;
        }
        isOpened = true;
        const token = linked;
        const engine = engineOf(dashStore);
        const open = async () => {
            const [job] = (await fetchJobs(engine, token)) ?? [];
            if (job) {
                openJob(engine, job);
                return;
            }
            const run = newRun({ id: token, name: '', location: '' });
            engine.runs.put(
                ended(run, 'lost', {
                    type: 'UnknownJob',
                    message:
                        'The link leads to no job, or not to one of yours. Jobs ' +
                        'are kept for some time only.',
                }),
            );
            engine.runs.flush();
            failed();
        };
        const attempt = () => {
            open().catch(() => setTimeout(attempt, RETRY_MS));
        };
        attempt();
    });
}
