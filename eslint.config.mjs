import eslint from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
    { ignores: ['**/*', '!src/**', '!*.{js,mjs,mts}'] },
    eslint.configs.recommended,
    {
        files: ['webpack.config.js'],
        languageOptions: {
            sourceType: 'commonjs',
            globals: {
                require: 'readonly',
                module: 'writable',
                __dirname: 'readonly',
            },
        },
    },
    {
        files: ['**/*.{ts,mts,tsx}'],
        extends: [
            tseslint.configs.strictTypeChecked,
            tseslint.configs.stylisticTypeChecked,
            reactHooks.configs.flat.recommended,
        ],
        languageOptions: {
            parserOptions: {
                project: './tsconfig.check.json',
                tsconfigRootDir: import.meta.dirname,
            },
        },
        rules: {
            '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
            '@typescript-eslint/restrict-template-expressions': [
                'error',
                { allowNumber: true },
            ],
        },
    },
    {
        // One file knows what Dash puts on the window.
        files: ['src/**'],
        ignores: [
            'src/engine/page/dashApi.ts',
            'src/testing/**',
            '**/*.test.*',
        ],
        rules: {
            'no-restricted-properties': [
                'error',
                { object: 'window', property: 'dash_clientside' },
                { object: 'window', property: 'dash_component_api' },
            ],
        },
    },
);
