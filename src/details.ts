import { send } from './engine/page/send';
import { retry } from './engine/retry';
import { DETAILS } from './views/details';
import { MORE_LABELS } from './views/texts/labels';
import { addLabels } from './views/texts/useLabels';

addLabels(MORE_LABELS);

// The main script loads this one for the first job that needs a part of it.
Object.assign(window, {
    dash_long_components_details: DETAILS,
    dash_long_components_retry: retry,
    dash_long_components_send: send,
});
