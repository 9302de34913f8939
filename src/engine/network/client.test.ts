import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser';
import { FakeServer } from '../../testing/server';
import { Client, Misplaced, Refused, Unavailable } from './client';
import { Connection } from './connection';

let server: FakeServer;
let browser: FakeBrowser;
let client: Client;

/** An answer whose body comes as the test writes it. */
const stream = () => {
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
        start(started) {
            controller = started;
        },
    });
    server.answer(() => new Response(body));
    return {
        write(text: string) {
            controller.enqueue(new TextEncoder().encode(text));
        },
        close() {
            controller.close();
        },
    };
};

/** Makes the server not answer, nor hear that nobody waits any more. */
const hang = () => {
    server.answer(() => new Promise(() => undefined));
};

beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    browser = new FakeBrowser();
    client = new Client(
        () => ({
            url: '/app/_dash-long-jobs/',
            init: {
                credentials: 'same-origin',
                headers: { 'X-CSRFToken': 't' },
            },
        }),
        new Connection(browser),
    );
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

test.each([400, 411, 413, 418])('a %i is final', async (status) => {
    server.fail(status);
    await expect(client.poll([])).rejects.toThrow(
        new Refused(`The server answered poll with ${status}: no`),
    );
});

test.each([401, 403, 407])(
    'a %i is final, but not the endpoint has said it',
    async (status) => {
        server.fail(status);
        await expect(client.poll([])).rejects.toThrow(
            new Refused(`The server answered poll with ${status}: no`, true),
        );
    },
);

test('a 404 is not of the endpoint, which knows no other address', async () => {
    server.fail(404);
    await expect(client.poll([])).rejects.toThrow(
        new Misplaced('The server answered poll with 404: no'),
    );
});

test('an answer to a cancel is empty, or not of the endpoint', async () => {
    server.answer(() => new Response('<html>Log in'));
    await expect(client.cancel([])).rejects.toBeInstanceOf(Misplaced);
});

test('the reason of a refusal is one line, whoever wrote it', async () => {
    server.answer(() => new Response('<html>\n  <p>No\n', { status: 403 }));
    await expect(client.cancel([])).rejects.toThrow(
        'The server answered cancel with 403: <html> <p>No',
    );
});

test.each(['<html>', 'null', '{}', '"next"'])(
    'an answer of %s is not of the endpoint',
    async (body) => {
        server.answer(() => new Response(body));
        await expect(client.poll([])).rejects.toBeInstanceOf(Misplaced);
    },
);

test('an answer that does not come within 30 s is given up', async () => {
    hang();
    const outcome = expect(client.poll([])).rejects.toBeInstanceOf(Unavailable);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(server.requests[0]?.init.signal?.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
    expect(server.requests[0]?.init.signal?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
});

test('a long answer may take its time while it keeps coming', async () => {
    const body = stream();
    const answer = client.poll([]);
    for (const part of ['{"next"', ':1', '000', ',"jobs":{"ä":', '{}}}']) {
        await vi.advanceTimersByTimeAsync(20_000);
        body.write(part);
    }
    body.close();
    expect(await answer).toEqual({ next: 1000, jobs: { ä: {} } });
    expect(vi.getTimerCount()).toBe(0);
});

test('an answer that stops in the middle for 30 s is given up', async () => {
    const body = stream();
    const outcome = expect(client.poll([])).rejects.toBeInstanceOf(Unavailable);
    await vi.advanceTimersByTimeAsync(20_000);
    body.write('{"next"');
    await vi.advanceTimersByTimeAsync(29_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
    body.write(':1}');
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
});

test('what hung while the page was away is given up 3 s after its return', async () => {
    hang();
    const outcome = expect(client.poll([])).rejects.toBeInstanceOf(Unavailable);
    await vi.advanceTimersByTimeAsync(20);
    browser.change();
    await vi.advanceTimersByTimeAsync(2999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
});

test('a return leaves an answer alone that keeps coming', async () => {
    const body = stream();
    const answer = client.poll([]);
    browser.change();
    await vi.advanceTimersByTimeAsync(2000);
    body.write('{"next":');
    await vi.advanceTimersByTimeAsync(20_000);
    body.write('5}');
    body.close();
    expect(await answer).toEqual({ next: 5 });
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
