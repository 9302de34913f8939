import { MORE_LABELS } from './views/texts/labels';
import { addLabels } from './views/texts/useLabels';
import { TrayView } from './views/tray/TrayView';

addLabels(MORE_LABELS);

// The main script loads this one for the first tray.
Object.assign(window, { dash_long_components_tray: { TrayView } });
