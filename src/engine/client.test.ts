import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeServer } from '../testing/server';
import { Client, Refused, Unavailable } from './client';

let server: FakeServer;
let client: Client;

beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    client = new Client(() => ({
        url: '/app/_dash-long-jobs/',
        init: { credentials: 'same-origin', headers: { 'X-CSRFToken': 't' } },
    }));
});

afterEach(() => {
    vi.useRealTimers();
});

test('requests look as the connection says', async () => {
    await client.poll([['token', 3]]);
    await client.cancel(['token']);
    expect(server.requests.map(({ url }) => url)).toEqual([
        '/app/_dash-long-jobs/poll',
        '/app/_dash-long-jobs/cancel',
    ]);
    expect(server.requests[0]?.init).toMatchObject({
        method: 'POST',
        credentials: 'same-origin',
        headers: { 'X-CSRFToken': 't' },
        body: '[["token",3]]',
    });
    expect(server.requests[1]?.init.body).toBe('["token"]');
});

test.each([400, 401, 403, 404, 413])('a %i is final', async (status) => {
    server.fail(status);
    await expect(client.poll([])).rejects.toThrow(
        new Refused(`The server answered poll with ${status}: no`),
    );
});

test('the reason of a refusal is one line, whoever wrote it', async () => {
    server.answer(() => new Response('<html>\n  <p>No\n', { status: 403 }));
    await expect(client.cancel([])).rejects.toThrow(
        'The server answered cancel with 403: <html> <p>No',
    );
});

test.each(['<html>', 'null', '{}', '"next"'])(
    'an answer of %s is final: it is not that of the endpoint',
    async (body) => {
        server.answer(() => new Response(body));
        await expect(client.poll([])).rejects.toBeInstanceOf(Refused);
    },
);

test('an answer that does not come within 30 s is given up', async () => {
    server.answer(
        () =>
            new Promise((_, reject) => {
                server.requests[0]?.init.signal?.addEventListener(
                    'abort',
                    () => {
                        reject(new Error('aborted'));
                    },
                );
            }),
    );
    const outcome = expect(client.poll([])).rejects.toBeInstanceOf(Unavailable);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
});

test('an answer that breaks off is asked for again', async () => {
    server.answer(
        () =>
            new Response(
                new ReadableStream({
                    start(stream) {
                        stream.error(new TypeError('network error'));
                    },
                }),
            ),
    );
    await expect(client.poll([])).rejects.toBeInstanceOf(Unavailable);
    expect(vi.getTimerCount()).toBe(0);
});
