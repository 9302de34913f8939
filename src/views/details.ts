import { CompactView } from './job/CompactView';
import { Failure } from './job/Failure';
import { History } from './job/History';
import { Question } from './job/Question';
import { Log } from './job/Log';
import { Loops } from './job/Loops';
import { Steps } from './job/Steps';

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
