import * as React from 'react';
import type { ReactNode } from 'react';
import { ButtonView } from '../views/ButtonView';

type Props = {
    /**
     * The ID of this component, used to identify it in callbacks.
     */
    id?: string;
    /**
     * The content of the button.
     */
    children?: ReactNode;
    /**
     * The number of clicks that count: those while the button is not busy. Set by the
     * component; use it as the Input of a long callback.
     */
    n_clicks?: number;
    /**
     * ID of a `LongJob` whose jobs keep the button busy too, whatever starts them.
     */
    job?: string | object;
    /**
     * The content while the button is busy. Default: `children`.
     */
    busy?: ReactNode;
    /**
     * Whether a click while the button is busy cancels the job; the button then says so.
     * Default: False, such a click does nothing.
     */
    cancel?: boolean;
    /**
     * Whether the button can't be clicked. Default: False.
     */
    disabled?: boolean;
    /**
     * The language of the texts, or a dict of texts, as for `LongJob`. Default: `en`.
     */
    labels?: object | string;
    /**
     * CSS class of the component, in addition to `long-job-button`. Its rules win over
     * those of the package: `btn btn-primary` looks like a button of Bootstrap.
     */
    className?: string;
    /**
     * CSS of the component.
     */
    style?: object;
    /**
     * Reports changes of properties to Dash.
     */
    setProps?: (props: Record<string, unknown>) => void;
};

/**
 * A button that is busy while its job is live. Use its `n_clicks` as an Input of a long
 * callback: from the click to the end of the job the button shows a spinner, and ignores
 * further clicks. That survives a reload. In an `html.Form`, Enter clicks it.
 */
export default function LongJobButton({
    n_clicks = 0,
    cancel = false,
    disabled = false,
    ...view
}: Props) {
    return (
        <ButtonView
            n_clicks={n_clicks}
            cancel={cancel}
            disabled={disabled}
            {...view}
        />
    );
}
