import { DETAILS } from './views/details';

// The main script loads this one for the first job that needs a part of it.
Object.assign(window, { dash_long_components_details: DETAILS });
