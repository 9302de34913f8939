import { cleanup, render, screen } from '@testing-library/react';
import * as React from 'react';
import { act } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TRANSLATIONS } from './translations';

const script = Object.assign(document.createElement('script'), {
    src: 'http://app/suites/ours/dash_long_components.min.js',
});

const added = () =>
    [...document.head.querySelectorAll('script')].map(({ src }) => src);

beforeEach(() => {
    vi.resetModules();
    vi.spyOn(document, 'currentScript', 'get').mockReturnValue(script);
});

afterEach(() => {
    cleanup();
    document.head.replaceChildren();
    delete window.dash_long_components_languages;
});

async function show(labels: object | string | undefined): Promise<void> {
    const { useLabels } = await import('./useLabels');
    function Text() {
        return <p>{useLabels(labels).running}</p>;
    }
    render(<Text />);
}

test.each(['de', 'de-AT', { locale: 'de' }])(
    'the texts of %o come with a script of their own',
    async (labels) => {
        await show(labels);
        expect(screen.queryByText('Running')).not.toBeNull();
        expect(added()).toEqual(['http://app/suites/ours/languages.min.js']);
        window.dash_long_components_languages = TRANSLATIONS;
        await act(async () => {
            document.head
                .querySelector('script')
                ?.dispatchEvent(new Event('load'));
            await Promise.resolve();
        });
        expect(screen.queryByText('Läuft')).not.toBeNull();
    },
);

test.each([undefined, 'en', 'en-GB', { running: 'Running' }])(
    'English needs no further script: %o',
    async (labels) => {
        await show(labels);
        expect(screen.queryByText('Running')).not.toBeNull();
        expect(added()).toEqual([]);
    },
);

test('the script has the version in its URL that the main one has', async () => {
    const src = script.src.replace('.min.js', '.v1_0m17.min.js');
    const versioned = Object.assign(document.createElement('script'), { src });
    vi.spyOn(document, 'currentScript', 'get').mockReturnValue(versioned);
    await show('de');
    expect(added()).toEqual([
        'http://app/suites/ours/languages.v1_0m17.min.js',
    ]);
});

test('the texts are English while the script can not be loaded', async () => {
    await show('de');
    const fail = () =>
        act(async () => {
            document.head
                .querySelector('script:last-of-type')
                ?.dispatchEvent(new Event('error'));
            await Promise.resolve();
        });
    vi.useFakeTimers();
    await fail();
    expect(screen.queryByText('Running')).not.toBeNull();
    expect(added()).toHaveLength(1);
    // The network may be back.
    await act(() => vi.advanceTimersByTimeAsync(5000));
    expect(added()).toHaveLength(2);
    vi.useRealTimers();
});
