import { screen } from '@testing-library/react';
import React, { type ComponentProps } from 'react';
import { LongJob } from '../index';
import { setProps } from './dash';

export const element = (props: ComponentProps<typeof LongJob> = {}) => (
    <LongJob id="job" setProps={setProps} {...props} />
);
export const outputs: [string, string][] = [['out', 'children']];
export const view = () => document.querySelector('.long-job');
export const text = (part: string) =>
    document.querySelector(`.long-job-${part}`)?.textContent;
export const bars = () => screen.queryAllByRole('progressbar');
export const button = (name: string) => screen.queryByRole('button', { name });
export const spoken = () => screen.getByRole('status').textContent;
export const published = () =>
    Object.assign({}, ...setProps.mock.calls.map(([props]) => props)) as object;
