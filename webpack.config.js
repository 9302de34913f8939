const path = require('node:path');

module.exports = {
    entry: {
        dash_long_components: './src/index.ts',
        details: './src/details.ts',
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
                    unsafe_arrows: true,
                    unsafe_methods: true,
                },
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
