import { render } from '@testing-library/react';
import * as React from 'react';
import { expect, test, vi } from 'vitest';
import { dash, setUpDash } from '../../testing/dash';
import { useUserJobs } from './useUserJobs';

setUpDash();

function View({ isOpen = false }): null {
    useUserJobs(true, isOpen);
    return null;
}

const running = {
    id: 'job',
    name: 'app.train',
    tokens: ['token'],
    age: 0,
    snapshot: { cursor: 1, status: 'running' },
};

const jobs = (found: unknown) => () => Response.json({ jobs: found });

test.each([
    ['a list of live jobs', jobs([running]), false, 2000],
    ['an open list', jobs([]), true, 2000],
    ['a list without live jobs', jobs([]), false, 10_000],
    ['a request without a user', jobs(null), false, 30_000],
    ['a failure', () => new Response('no', { status: 500 }), false, 30_000],
])('after %s, it asks again', async (_name, outcome, isOpen, wait) => {
    dash.server.answer(outcome);
    dash.server.answer(outcome);
    render(<View isOpen={isOpen} />);
    await dash.pass(wait - 1);
    expect(dash.server.requests).toHaveLength(1);
    await dash.pass(1);
    expect(dash.server.requests).toHaveLength(2);
});

test('a hidden page asks for nothing until it is shown', async () => {
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    render(<View />);
    await dash.pass(60_000);
    expect(dash.server.requests).toHaveLength(0);
    hidden.mockReturnValue(false);
    dash.server.answer(jobs([]));
    document.dispatchEvent(new Event('visibilitychange'));
    await dash.pass(0);
    expect(dash.server.requests).toHaveLength(1);
    hidden.mockReturnValue(true);
    await dash.pass(60_000);
    expect(dash.server.requests).toHaveLength(1);
});
