import { CompactView } from './CompactView';
import { Failure } from './Failure';
import { History } from './History';
import { Question } from './Question';
import { Log } from './Log';
import { Loops } from './Loops';
import { Steps } from './Steps';

/** What only some views need. */
export const DETAILS = {
    CompactView,
    Failure,
    History,
    Log,
    Loops,
    Question,
    Steps,
};

declare global {
    // Only an interface can extend the existing one.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_long_components_details?: typeof DETAILS;
    }
}
