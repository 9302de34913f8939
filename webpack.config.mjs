import { readdirSync, readFileSync } from 'node:fs';

/**
 * Names of private members that stand nowhere else in the sources: nothing but the
 * class itself can mean them, so the bundle may call them by a letter.
 */
function privateNames() {
    const sources = readdirSync('src', { recursive: true })
        .filter((file) => /\.tsx?$/.test(file) && !file.includes('.test.'))
        .map((file) => readFileSync(`src/${file}`, 'utf8'))
        .join('\n')
        .replace(/\/\*[^]*?\*\/|\/\/.*|from '.*'/g, '');
    const declaration = /\bprivate (?:readonly |async |get )*(\w+)/g;
    const declared = [...sources.matchAll(declaration)].map(([, name]) => name);
    const elsewhere = new Set(
        sources
            .replace(declaration, '')
            .replace(/\bthis\.\w+/g, '')
            .match(/\w+/g),
    );
    return declared.filter((name) => !elsewhere.has(name));
}

export default {
    entry: './src/index.ts',
    output: {
        path: `${import.meta.dirname}/dash_long_components`,
        filename: 'dash_long_components.min.js',
    },
    // Dash's renderer brings them to the page.
    externals: {
        react: 'React',
        'react-dom': 'ReactDOM',
        'prop-types': 'PropTypes',
    },
    resolve: { extensions: ['.ts', '.tsx', '.js'] },
    module: {
        rules: [
            {
                test: /\.tsx?$/,
                loader: 'ts-loader',
                // `npm run typecheck` checks the types.
                options: {
                    transpileOnly: true,
                    compilerOptions: { noEmit: false },
                },
            },
        ],
    },
    optimization: {
        minimize: {
            javascript: {
                module: true,
                // What gzip makes the least of.
                compress: {
                    passes: 2,
                    inline: 1,
                    pure_getters: true,
                    sequences: false,
                    unsafe_arrows: true,
                    unsafe_methods: true,
                },
                mangle: {
                    properties: {
                        regex: new RegExp(`^(?:${privateNames().join('|')})$`),
                    },
                },
            },
        },
    },
    devtool: 'hidden-source-map',
    performance: {
        hints: 'error',
        maxAssetSize: 40_000,
        maxEntrypointSize: 40_000,
    },
};
