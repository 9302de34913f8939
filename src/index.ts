import LongJob from './components/LongJob';
import LongJobButton from './components/LongJobButton';
import LongJobTray from './components/LongJobTray';
import { defineCancel } from './engine/page/dashApi';
import { cancel } from './engine/engines';
import { SHARED } from './views/shared';

defineCancel(cancel);

// Dash looks for them here. webpack's own way to define them takes 150 bytes more.
Object.assign(window, {
    dash_long_components: { LongJob, LongJobButton, LongJobTray },
    dash_long_components_shared: SHARED,
});

export { LongJob, LongJobButton, LongJobTray };
