import { expect, test } from 'vitest';
import type { Status } from '../../engine/wire/snapshot';
import type { UserJob } from '../../engine/wire/userJob';
import { dash, setUpDash } from '../../testing/dash';
import { openJob } from './userJobs';

setUpDash();

const job = (status: Status): UserJob => ({
    id: 'own',
    name: 'app.own',
    title: null,
    tokens: ['store.own.other'],
    age: 60,
    destination: { location: '/own', view: null, outputs: [] },
    snapshot: { cursor: 1, status },
});
const runs = () => dash.engine.runs.listed.map(({ token }) => token);

test('a job that the tab follows is not followed twice', () => {
    dash.start('store.own.mine');
    openJob(dash.engine, job('running'));
    expect(dash.engine.pending().length).toBe(1);
    openJob(dash.engine, job('succeeded'));
    expect(runs()).toEqual(['store.own.mine']);
});

test('a job that the tab has left is followed by a token of another page', async () => {
    dash.start('store.own.mine');
    await dash.show('store.own.mine', 'cancelled');
    openJob(dash.engine, job('running'));
    expect(dash.engine.pending().map(({ handle }) => handle.token)).toEqual([
        'store.own.other',
    ]);
});
