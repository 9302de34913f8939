import * as React from 'react';
import { LazyTray } from '../views/tray/LazyTray';

type Props = {
    /**
     * The ID of this component, used to identify it in callbacks.
     */
    id?: string;
    /**
     * The language of the texts, or a dict of texts, as for `LongJob`. Default: `en`.
     */
    labels?: object | string;
    /**
     * CSS class of the component, in addition to `long-job-tray`.
     */
    className?: string;
    /**
     * CSS of the component. Custom properties set colours and sizes, as for `LongJob`.
     */
    style?: object;
    /**
     * Whether the title of the tab shows the number of live jobs. Default: True.
     */
    badge?: boolean;
    /**
     * Whether to offer a notification when a job ends or asks while the page is hidden. The
     * user has to allow it. Default: True.
     */
    notify?: boolean;
    /**
     * Whether to show a message when a job ends that was started on another page of the
     * app. Default: True.
     */
    toasts?: boolean;
    /**
     * Whose jobs to list: those of the browser's `tab`, or those of the `user` in all
     * tabs and on all devices. `user` needs the app's function that names its users;
     * visitors who are not logged in get those of their tab. Default: `tab`.
     */
    scope?: 'tab' | 'user';
};

/**
 * Lists all jobs of the browser's tab, on whatever page of the app they were started,
 * also those without a `LongJob`; with `scope="user"` those of the user on all devices.
 * It opens the job of a link that has led to the page. For each it shows name, status and progress, with
 * buttons to cancel, to retry and to go to the result. Put one into the layout around all
 * pages. `style` takes CSS; custom properties set colours and sizes, as for `LongJob`.
 */
export default function LongJobTray(props: Props) {
    // The defaults are in the tray's own script.
    return <LazyTray {...props} />;
}
