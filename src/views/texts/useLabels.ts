import { LABELS, labelsOf, languageOf, type Labels } from './labels';
import { useScript } from '../hooks/useScript';

/**
 * Return the texts of a language, with an app's own in their place.
 *
 * They are English until the script with the other languages is there.
 */
export function useLabels(given: object | string | undefined): Labels {
    return labelsOf(given, useScript('languages', languageOf(given) !== 'en'));
}

/** Add the English texts that another script uses. */
export function addLabels(texts: Partial<Labels>): void {
    Object.assign(LABELS, texts);
}
