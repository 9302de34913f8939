import * as React from 'react';
import type { ComponentProps } from 'react';
import type { TrayView } from './TrayView';
import { useScript } from '../hooks/useScript';

declare global {
    // Only an interface can extend the existing one.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_long_components_tray?: { TrayView: typeof TrayView };
    }
}

/** The tray, once its script is there: most pages have none. */
export function LazyTray(props: ComponentProps<typeof TrayView>) {
    const script = useScript('tray', true);
    return script ? <script.TrayView {...props} /> : null;
}
