import { useEffect, useState } from 'react';
import { loadLibrary } from '../engine/page/libraries';
import { labelsOf, languageOf, type Labels, type Translations } from './labels';

declare global {
    // Only an interface can extend the existing one.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_long_components_languages?: Translations;
    }
}

/** Known while the script runs only. */
const script = document.currentScript as HTMLScriptElement | null;

/**
 * Return the texts of a language, with an app's own in their place.
 *
 * They are English until the script with the other languages is there.
 */
export function useLabels(given: object | string | undefined): Labels {
    const [, setLoaded] = useState(false);
    const translations = window.dash_long_components_languages;
    const isMissing = !translations && languageOf(given) !== 'en';

    useEffect(() => {
        if (isMissing && script) {
            const { href } = new URL('languages.min.js', script.src);
            loadLibrary({ type: '_js_dist', url: href }).then(
                () => {
                    setLoaded(true);
                },
                // English will do.
                () => {
                    setLoaded(false);
                },
            );
        }
    }, [isMissing]);

    return labelsOf(given, translations);
}
