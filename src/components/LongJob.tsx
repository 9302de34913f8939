import * as React from 'react';
import type { ReactNode } from 'react';
import { HostView } from '../views/HostView';
import { StatusView } from '../views/StatusView';

type Props = {
    /**
     * The ID of this component, used to identify it in callbacks. Its `job=` binds a
     * long callback to it.
     */
    id?: string;
    /**
     * What is shown while there is no job: before the first one starts.
     */
    children?: ReactNode;
    /**
     * The parts to show, by default all but the name. An empty list shows nothing:
     * the properties below are set all the same.
     */
    show?: (
        | 'name'
        | 'status'
        | 'cached'
        | 'bar'
        | 'count'
        | 'percent'
        | 'elapsed'
        | 'eta'
        | 'queue'
        | 'connection'
        | 'cancel'
        | 'retry'
        | 'error'
        | 'log'
    )[];
    /**
     * Words to use in the place of the English ones, for example
     * `{"running": "Läuft", "eta": "noch etwa {time}"}`. The name of a task
     * (`module.function`) stands for that task's jobs.
     */
    labels?: object;
    /**
     * CSS class of the component, beside its own `long-job`.
     */
    className?: string;
    /**
     * CSS of the component. Colours and sizes are custom properties:
     * `{"--long-job-accent": "teal"}`.
     */
    style?: object;
    /**
     * Where the job stands: `queued`, `running`, then one of `succeeded`, `failed`,
     * `cancelled`, `timed_out`, `lost` and `rejected`. None before the first job.
     * Set by the component; read it in a callback.
     */
    status?:
        | 'queued'
        | 'running'
        | 'succeeded'
        | 'failed'
        | 'cancelled'
        | 'timed_out'
        | 'lost'
        | 'rejected';
    /**
     * The share of the job that is done, from 0 to 1; None if it is not known. Set by
     * the component, no more often than once a second; read it in a callback.
     */
    progress?: number;
    /**
     * Seconds since the job began to run. Set by the component, every second while a
     * callback reads it.
     */
    elapsed?: number;
    /**
     * Estimated seconds until the job ends; None if there is nothing to tell it from.
     * Set by the component, every second while a callback reads it.
     */
    eta?: number;
    /**
     * The job's place in the queue, 1 for the next; None while it is not queued. Set by
     * the component; read it in a callback.
     */
    queue_position?: number;
    /**
     * Why the job has ended without a result: `type` and `message`, and `traceback` in
     * debug mode; None if it has not. Set by the component; read it in a callback.
     */
    error?: object;
    /**
     * The last lines that the job has logged, at most 100. Set by the component, no
     * more often than once a second; read it in a callback.
     */
    log?: string[];
    /**
     * How the page stands with the server: `online`, `reconnecting` or `offline`. Set by
     * the component while a job is live; read it in a callback.
     */
    connection?: 'online' | 'reconnecting' | 'offline';
    /**
     * A name of the job that tells it from others on the page. It is of no use to the
     * server. Set by the component; read it in a callback.
     */
    job_id?: string;
    /**
     * How many jobs there were for this component since the page was loaded. Set by the
     * component; read it in a callback.
     */
    n_runs?: number;
    /**
     * Set it from a callback to cancel the jobs of this component: any new value but
     * None does, for example the `n_clicks` of a button.
     */
    cancel?: boolean | number | string;
    /**
     * Set it from a callback to start the last job once more, with the inputs that it
     * had, if it has ended: any new value but None does.
     */
    retry?: boolean | number | string;
    /**
     * New jobs to follow, by a name of their own. For the component that `init_app` adds
     * to every layout; one that has it shows nothing.
     */
    handles?: object;
    /**
     * Reports property changes to Dash.
     */
    setProps?: (props: Record<string, unknown>) => void;
};

/**
 * Shows a long callback's job where you put it: how far it is, how long it takes, its
 * place in the queue, what it logs, why it failed, with buttons to cancel and to retry.
 * `job="my-id"` in `long_callback` binds the callback to `LongJob(id="my-id")`; of
 * several callbacks with the same one, the job that was started last is shown.
 * `style` takes CSS; colours and sizes are custom properties, for example
 * `{"--long-job-accent": "teal"}`.
 */
export default function LongJob({ handles, ...view }: Props) {
    return handles ? (
        <HostView handles={handles} setProps={view.setProps} />
    ) : (
        <StatusView {...view} />
    );
}
