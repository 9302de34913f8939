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
