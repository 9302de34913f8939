import type { Library } from '../wire/library';

/** Known while the script runs only. */
const main = document.currentScript as HTMLScriptElement | null;

const loaded = new Map<string, Promise<void>>();

/** Add a library to the page, once; settles when the browser has run it. */
export function loadLibrary(library: Library): Promise<void> {
    const { url } = library;
    let loading = loaded.get(url);
    if (!loading) {
        loading = append(library);
        loaded.set(url, loading);
        loading.catch(() => loaded.delete(url));
    }
    return loading;
}

/**
 * Load another script of the package. Its URL has the version that Dash has put into
 * that of the main script.
 */
export function loadScript(name: string): Promise<void> | undefined {
    const url = main?.src.replace(/dash_long_components(?=[^/]*$)/, name);
    return url ? loadLibrary({ type: '_js_dist', url }) : undefined;
}

function append({ type, url }: Library): Promise<void> {
    return new Promise((resolve, reject) => {
        const element =
            type === '_css_dist'
                ? Object.assign(document.createElement('link'), {
                      rel: 'stylesheet',
                      href: url,
                  })
                : Object.assign(document.createElement('script'), { src: url });
        element.onload = () => {
            resolve();
        };
        element.onerror = () => {
            reject(new Error(`${url} could not be loaded`));
        };
        document.head.append(element);
    });
}
