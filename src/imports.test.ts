// @vitest-environment node
import ts from 'typescript';
import { expect, test } from 'vitest';

/** What every view may read of the engine. */
const SHOWN = ['engine', 'engine/page', 'engine/state', 'engine/wire', 'react'];

/**
 * For each folder the folders that it may import, beside itself. A file belongs to the
 * longest folder that contains it.
 */
const MAY_IMPORT: Record<string, string[]> = {
    'engine/wire': [],
    'engine/state': ['engine/wire'],
    'engine/network': ['engine/state', 'engine/wire'],
    'engine/page': ['engine/wire'],
    'engine/effects': ['engine/page', 'engine/state', 'engine/wire'],
    engine: [
        'engine/effects',
        'engine/network',
        'engine/page',
        'engine/state',
        'engine/wire',
    ],
    'views/hooks': [...SHOWN],
    'views/texts': [...SHOWN, 'views/hooks'],
    'views/job': [...SHOWN, 'views/hooks', 'views/texts'],
    'views/tray': [...SHOWN, 'views/hooks', 'views/job', 'views/texts'],
    views: [...SHOWN, 'views/hooks', 'views/job', 'views/texts'],
    components: ['views', 'views/job', 'views/tray', 'react'],
    '.': [
        'components',
        'engine',
        'engine/network',
        'engine/page',
        'views',
        'views/texts',
        'views/tray',
    ],
};

const sources = ts.sys
    .readDirectory('src', ['.ts', '.tsx'])
    .map((path) => path.replace(/^.*src\//, ''))
    .filter((path) => !/\.test\.|^testing\//.test(path));

/** The imports of every source file, including those of types. */
const imports = new Map(
    sources.map((path) => [
        path,
        ts
            .preProcessFile(ts.sys.readFile(`src/${path}`) ?? '')
            .importedFiles.map(({ fileName }) => resolve(path, fileName)),
    ]),
);

function resolve(from: string, name: string): string {
    if (!name.startsWith('.')) {
        return name;
    }
    const path = new URL(name, `file:///${from}`).pathname.slice(1);
    return sources.find((each) => each.replace(/\.tsx?$/, '') === path) ?? path;
}

function folderOf(path: string): string {
    if (!sources.includes(path)) {
        return path;
    }
    const folders = Object.keys(MAY_IMPORT).filter((folder) =>
        path.startsWith(`${folder}/`),
    );
    return folders.sort((a, b) => b.length - a.length)[0] ?? '.';
}

/** Return how a file comes to import itself, if it does. */
function circleFrom(
    start: string,
    path: string,
    seen = new Set<string>(),
): string | undefined {
    for (const next of imports.get(path) ?? []) {
        if (next === start) {
            return `${path} > ${start}`;
        }
        if (!seen.has(next)) {
            seen.add(next);
            const rest = circleFrom(start, next, seen);
            if (rest) {
                return `${path} > ${rest}`;
            }
        }
    }
    return undefined;
}

test('a file imports only from the folders that its own may import', () => {
    const wrong = sources.flatMap((path) => {
        const folder = folderOf(path);
        const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
        return (imports.get(path) ?? [])
            .filter((target) => !allowed.includes(folderOf(target)))
            .map((target) => `${path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
});

test('no file imports itself through others, not even for a type', () => {
    const circles = sources.map((path) => circleFrom(path, path));
    expect(circles.filter(Boolean)).toEqual([]);
});

/** Return a file and all that its script gets with it. Types are not in scripts. */
function bundleOf(entry: string, shared: RegExp): Set<string> {
    const bundle = new Set([entry]);
    for (const path of bundle) {
        const text = ts.sys.readFile(`src/${path}`) ?? '';
        const found = text.matchAll(/^import (?!type )[^;]+? '(\..+)';/gm);
        for (const [, name = ''] of found) {
            if (!shared.test(name)) {
                bundle.add(resolve(path, name));
            }
        }
    }
    return bundle;
}

test('other scripts and messages use no name that the main script shortens', () => {
    const config = ts.sys.readFile('webpack.config.js') ?? '';
    const names = [...config.matchAll(/^ {8}'(\w+)',$/gm)].map(
        ([, name]) => name,
    );
    expect(names).toContain('takeShown');
    const internal = new RegExp(`\\b(${names.join('|')})\\b`);
    const shared = /^const SHARED = \/(.+)\/;$/m.exec(config)?.[1] ?? '';
    expect(shared).toContain('engines');
    const others = [
        ...sources.filter((path) => path.startsWith('engine/wire/')),
        ...bundleOf('details.ts', new RegExp(shared)),
        ...bundleOf('held.ts', new RegExp(shared)),
        ...bundleOf('tray.ts', new RegExp(shared)),
    ];
    expect(others).toContain('engine/network/client.ts');
    const wrong = others.filter((path) =>
        internal.test(ts.sys.readFile(`src/${path}`) ?? ''),
    );
    expect(wrong).toEqual([]);
});
