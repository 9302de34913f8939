import * as React from 'react';
import { TrayView } from '../views/TrayView';

type Props = {
    /**
     * The ID of this component.
     */
    id?: string;
    /**
     * Words to use in the place of the English ones, as for `LongJob`. The name of a
     * task (`module.function`) stands for that task's jobs.
     */
    labels?: object;
    /**
     * CSS class of the component, beside its own `long-job-tray`.
     */
    className?: string;
    /**
     * CSS of the component. Colours and sizes are custom properties, as for `LongJob`.
     */
    style?: object;
    /**
     * Whether the title of the tab shows how many jobs are live. Default True.
     */
    badge?: boolean;
    /**
     * Whether to offer a notification when a job ends while nobody sees the page; the
     * user has to allow it. Default True.
     */
    notify?: boolean;
};

/**
 * Lists all jobs of the browser's tab, on whichever page of the app they were started,
 * also those that no `LongJob` shows: name, status and progress, with buttons to cancel,
 * to retry, and to go to the result. One in the layout around all pages will do.
 * `style` takes CSS; colours and sizes are custom properties, as for `LongJob`.
 */
export default function LongJobTray({
    badge = true,
    notify = true,
    ...view
}: Props) {
    return <TrayView badge={badge} notify={notify} {...view} />;
}
