const path = require('node:path');

/** The modules that other scripts take from the main one. */
const SHARED = /\/(engines|link|Actions|JobView|hooks|useLabels)$/;

/**
 * Long names of the engine's parts that other scripts do not use. The minifier may
 * shorten them in the main script. `src/imports.test.ts` checks the list.
 */
const INTERNAL = new RegExp(
    `\\b(${[
        'addStreamed',
        'addTriggerInfo',
        'awaitedOutputs',
        'cancelRun',
        'cancelView',
        'cancelledSince',
        'conclude',
        'continueAfter',
        'hasUnshown',
        'hiddenWait',
        'infoFor',
        'intervals',
        'isList',
        'isMarked',
        'isRead',
        'isReplaced',
        'isReplacedBy',
        'isRestored',
        'isSetBy',
        'isUntouched',
        'keepForNextPage',
        'keepUnshown',
        'loadChunk',
        'loadHeldPolls',
        'overrides',
        'pending',
        'postpone',
        'postponed',
        'present',
        'refuse',
        'release',
        'replaceBy',
        'retain',
        'setUnreachable',
        'spread',
        'startedBy',
        'succeed',
        'suspend',
        'takeRefused',
        'takeShown',
        'triggerInfo',
        'unmark',
        'whenOwn',
    ].join('|')})\\b`,
);

const main = {
    entry: {
        dash_long_components: './src/index.ts',
        languages: './src/languages.ts',
    },
    output: {
        path: path.resolve(__dirname, 'dash_long_components'),
        filename: '[name].min.js',
    },
    // Dash's renderer provides these on the page.
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
                // These options give the smallest bundle after gzip.
                compress: {
                    passes: 2,
                    inline: 1,
                    pure_getters: true,
                    sequences: false,
                    unsafe: true,
                    unsafe_arrows: true,
                    unsafe_methods: true,
                },
                mangle: { properties: { regex: INTERNAL } },
            },
        },
    },
    devtool: 'hidden-source-map',
    performance: {
        hints: 'error',
        maxAssetSize: 50_000,
        maxEntrypointSize: 50_000,
    },
};

module.exports = [
    main,
    {
        ...main,
        entry: {
            details: './src/details.ts',
            held: './src/held.ts',
            tray: './src/tray.ts',
        },
        externals: [
            main.externals,
            ({ request }, found) => {
                if (SHARED.test(request)) {
                    found(null, 'dash_long_components_shared');
                } else {
                    found();
                }
            },
        ],
    },
];
