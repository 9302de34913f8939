import { HeldPolls } from './engine/network/heldPolls';

// The main script loads this one when the server has offered to hold polls.
Object.assign(window, { dash_long_components_held: HeldPolls });
