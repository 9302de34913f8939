import { TRANSLATIONS } from './views/texts/translations';

// The main script loads this one for a page in another language than English.
Object.assign(window, { dash_long_components_languages: TRANSLATIONS });
