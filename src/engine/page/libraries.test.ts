import { afterEach, expect, test } from 'vitest';
import { loadLibrary } from './libraries';

afterEach(() => {
    document.head.replaceChildren();
});

test('loading a script waits until it has run', async () => {
    const loaded = loadLibrary({ type: '_js_dist', url: '/new.js' });
    const script = document.head.querySelector('script');
    expect(script?.getAttribute('src')).toBe('/new.js');
    script?.dispatchEvent(new Event('load'));
    await expect(loaded).resolves.toBeUndefined();
});

test('loading a style sheet links it', async () => {
    const loaded = loadLibrary({ type: '_css_dist', url: '/new.css' });
    const link = document.head.querySelector('link');
    expect(link?.getAttribute('href')).toBe('/new.css');
    expect(link?.rel).toBe('stylesheet');
    link?.dispatchEvent(new Event('load'));
    await expect(loaded).resolves.toBeUndefined();
});

test("an error names the file that can't be loaded", async () => {
    const loaded = loadLibrary({ type: '_js_dist', url: '/bad.js' });
    document.head.querySelector('script')?.dispatchEvent(new Event('error'));
    await expect(loaded).rejects.toThrow('/bad.js could not be loaded');
});

test('a file is loaded once, and again after a failure', async () => {
    const library = { type: '_js_dist', url: '/once.js' };
    const scripts = () => document.head.querySelectorAll('script');
    const failed = loadLibrary(library);
    scripts()[0]?.dispatchEvent(new Event('error'));
    await expect(failed).rejects.toThrow();
    const loaded = loadLibrary(library);
    expect(scripts().length).toBe(2);
    scripts()[1]?.dispatchEvent(new Event('load'));
    await loaded;
    await loadLibrary(library);
    expect(scripts().length).toBe(2);
});
