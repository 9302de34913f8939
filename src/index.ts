import LongJob from './components/LongJob';
import { defineCancel } from './engine/dash';
import { cancel } from './engine/engines';

defineCancel(cancel);

export { LongJob };
