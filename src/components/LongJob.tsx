import * as React from 'react';
import type { ReactNode } from 'react';
import { HostView } from '../views/HostView';
import { StatusView } from '../views/job/StatusView';

type Props = {
    /**
     * The ID of this component, used to identify it in callbacks. `job="my-id"` in
     * `long_callback` binds a callback to it.
     */
    id?: string;
    /**
     * Shown before the first job starts.
     */
    children?: ReactNode;
    /**
     * The parts to show. Default: all but `rate` and `history`, and `name` only of a job
     * with a title. With an empty list the component shows nothing, but still sets the properties below.
     */
    show?: (
        | 'name'
        | 'status'
        | 'cached'
        | 'bar'
        | 'count'
        | 'percent'
        | 'rate'
        | 'elapsed'
        | 'eta'
        | 'queue'
        | 'question'
        | 'connection'
        | 'cancel'
        | 'retry'
        | 'error'
        | 'steps'
        | 'log'
        | 'history'
    )[];
    /**
     * Parts to show in addition: `rate`, the pace of the job's bar, and `history`, the
     * times of the task's last runs. Default: none.
     */
    extra?: ('rate' | 'history')[];
    /**
     * The layout: `full`, or `compact` for one line in a table cell or toolbar, without
     * loops and log. Default: `full`.
     */
    variant?: 'full' | 'compact';
    /**
     * The language of the texts: `en`, `de`, `fr`, `es`, `zh` or `ja`. Or a dict of texts
     * by key, for example `{"running": "Computing", "eta": "{time} to go"}`; `locale` in
     * it selects the language of the others and of the numbers, and `module.function`
     * names the jobs of a task. Default: `en`.
     */
    labels?: object | string;
    /**
     * CSS class of the component, in addition to `long-job`.
     */
    className?: string;
    /**
     * CSS of the component. Custom properties set colours and sizes, for example
     * `{"--long-job-accent": "teal"}`.
     */
    style?: object;
    /**
     * Status of the job: `queued`, `running`, then one of `succeeded`, `failed`,
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
     * the component, at most once a second; read it in a callback.
     */
    progress?: number;
    /**
     * Seconds since the job began to run; None before that. Set by the component, every
     * second while a callback reads it; read it in a callback.
     */
    elapsed?: number;
    /**
     * Estimated seconds until the job ends; None without an estimate. Set by the
     * component, every second while a callback reads it; read it in a callback.
     */
    eta?: number;
    /**
     * The job's place in the queue, 1 for the next one; None unless it is queued. Set by
     * the component; read it in a callback.
     */
    queue_position?: number;
    /**
     * What the job asks, while it waits for an answer; None otherwise. Set by the
     * component; read it in a callback.
     */
    question?: string;
    /**
     * Why the job ended without a result: `type` and `message`, and `traceback` in debug
     * mode; None otherwise. Set by the component; read it in a callback.
     */
    error?: object;
    /**
     * The last lines that the job has logged, at most 100. Set by the component, at
     * most once a second; read it in a callback.
     */
    log?: string[];
    /**
     * The age of the old result that the outputs show, in seconds, at the time of the
     * trigger: the job refreshes it (`stale_for`), or has failed to. None if they show no
     * old result. Set by the component; read it in a callback.
     */
    stale?: number;
    /**
     * State of the page's connection to the server: `online`, `reconnecting` or
     * `offline`; `reconnecting` too while its job's manager can't be reached. Set by the
     * component while a job is live; read it in a callback.
     */
    connection?: 'online' | 'reconnecting' | 'offline';
    /**
     * Distinguishes the job from others on the page. The server does not know it. Set by
     * the component; read it in a callback.
     */
    job_id?: string;
    /**
     * The number of jobs of this component since the page was loaded. Set by the
     * component; read it in a callback.
     */
    n_runs?: number;
    /**
     * Cancels the live jobs of this component. Set it in a callback, to any new value
     * except None, for example the `n_clicks` of a button.
     */
    cancel?: boolean | number | string;
    /**
     * Starts the last job again, with the same inputs, if it has ended. Set it in a
     * callback, to any new value except None.
     */
    retry?: boolean | number | string;
    /**
     * New jobs to follow. Only for the component that `init_app` adds to every layout;
     * a component with this property shows nothing.
     */
    handles?: object;
    /**
     * Reports changes of properties to Dash.
     */
    setProps?: (props: Record<string, unknown>) => void;
};

/**
 * Shows the job of a long callback: its progress, times, place in the queue, log and
 * error, with buttons to cancel and to retry. `job="my-id"` in `long_callback` binds the
 * callback to `LongJob(id="my-id")`. If several callbacks name the same component, it
 * shows the job that was started last. `style` takes CSS; custom properties set colours
 * and sizes, for example `{"--long-job-accent": "teal"}`.
 */
export default function LongJob({ handles, variant = 'full', ...view }: Props) {
    return handles ? (
        <HostView handles={handles} setProps={view.setProps} />
    ) : (
        <StatusView variant={variant} {...view} />
    );
}
