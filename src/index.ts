import LongJob from './components/LongJob';
import LongJobTray from './components/LongJobTray';
import { defineCancel } from './engine/page/dashApi';
import { cancel } from './engine/engines';

defineCancel(cancel);

// Where Dash looks for them. webpack's own way to put them there takes 150 bytes more.
Object.assign(window, { dash_long_components: { LongJob, LongJobTray } });

export { LongJob, LongJobTray };
