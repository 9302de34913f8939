import type { Engine } from '../../engine/engine';
import { newRun } from '../../engine/state/run';
import { ended } from '../../engine/state/runChanges';
import { fetchJobs, openJob } from './userJobs';

/** The job of a link. An outage, or a login that is due, only puts it off. */
export class LinkedJob {
    readonly #engine: Engine;
    readonly #token: string;
    readonly #failed: () => void;
    readonly #backoff;
    readonly #unwatch: () => void;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #isAsking = false;

    constructor(engine: Engine, token: string, failed: () => void) {
        this.#engine = engine;
        this.#token = token;
        this.#failed = failed;
        this.#backoff = engine.newBackoff();
        // The user may have logged in, in another tab.
        this.#unwatch = engine.connection.onReturn(() => void this.open());
    }

    /** Open the job, as soon as the server tells of it. */
    async open(): Promise<void> {
        clearTimeout(this.#timer);
        if (this.#isAsking) {
            return;
        }
        this.#isAsking = true;
        try {
            await this.#attempt();
        } catch (error) {
            this.#putOff(error as Error);
        }
        this.#isAsking = false;
    }

    async #attempt(): Promise<void> {
        const [job] = (await fetchJobs(this.#engine, this.#token)) ?? [];
        this.#unwatch();
        if (job) {
            this.#engine.runs.forget(this.#token);
            openJob(this.#engine, job);
        } else {
            this.#tell(
                'UnknownJob',
                'The link leads to no job, or not to one of yours. Jobs ' +
                    'are kept for some time only.',
            );
        }
    }

    #putOff(reason: Error): void {
        const wait = this.#backoff.after(reason);
        if (wait === undefined) {
            this.#tell(
                'Refused',
                `${reason.message}. The link's job is not shown. Log in, in another ` +
                    'tab for instance, and come back; or open the link again.',
            );
            return;
        }
        this.#timer = setTimeout(() => {
            // When the user returns, it asks at once.
            if (!this.#engine.connection.isHidden) {
                void this.open();
            }
        }, wait);
    }

    #tell(type: string, message: string): void {
        const { runs } = this.#engine;
        const isNew = !runs.get(this.#token);
        const run = newRun({ id: this.#token, name: '', location: '' });
        runs.put(ended(run, 'lost', { type, message }));
        runs.flush();
        if (isNew) {
            this.#failed();
        }
    }
}
