import { engineOf } from '../engine/engines';
import { LINK_PARAMETER, linked } from '../engine/page/link';
import { Actions } from './job/Actions';
import { useDashStore, useNow, useWatched } from './hooks/hooks';
import { JobView } from './job/JobView';
import { addLabels, useLabels } from './texts/useLabels';

/**
 * What other scripts take from the main one: the page has one engine. The list `SHARED`
 * in `webpack.config.js` names the modules.
 */
export const SHARED = {
    Actions,
    JobView,
    LINK_PARAMETER,
    addLabels,
    engineOf,
    linked,
    useDashStore,
    useLabels,
    useNow,
    useWatched,
};
