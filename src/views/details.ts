import { History } from './History';
import { Log } from './Log';
import { Steps } from './Steps';

/** The parts of a view that only some jobs have. */
export const DETAILS = { History, Log, Steps };
