import { TrayView } from './views/tray/TrayView';

// The main script loads this one for the first tray.
Object.assign(window, { dash_long_components_tray: { TrayView } });
