/** A file of a component library, as Dash lists it in an answer. */
export type Library = { type: string; url: string };

const loaded = new Map<string, Promise<void>>();

/** Puts a library on the page, once; settles when the browser has run it. */
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
