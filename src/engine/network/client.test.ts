import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser';
import { FakeServer } from '../../testing/server';
import { Client, ForeignAnswer, OWN, Refused, Unavailable } from './client';
import { Connection } from './connection';

let server: FakeServer;
let browser: FakeBrowser;
let client: Client;

/** Return an answer whose body arrives as the test writes it. */
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

/** Make the server hang, so that it ignores even an abort. */
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

test('polls and cancels of many jobs take several requests', async () => {
    const token = (index: number) => `${index}`.padStart(200, 'x');
    const jobs = Array.from({ length: 1200 }, (_, index): [string, number] => [
        token(index),
        0,
    ]);
    for (const index of [3, 501, 1199]) {
        server.show(token(index), { cursor: index, status: 'running' });
    }
    server.unreachable = [token(0), token(1100)];
    server.offer = 20;
    const hold = { ms: 25_000, signal: new AbortController().signal };
    const answer = await client.poll(jobs, hold);
    expect(
        Object.entries(answer.jobs ?? {}).map(([index, { cursor }]) => [
            index,
            cursor,
        ]),
    ).toEqual([
        ['3', 3],
        ['501', 501],
        ['1199', 1199],
    ]);
    expect(answer.unreachable).toEqual([0, 1100]);
    expect(answer.next).toBe(server.next);
    expect(answer.hold).toBeUndefined();
    const tokens = jobs.map(([each]) => each);
    await client.cancel(tokens);
    expect(server.cancelled.flat()).toEqual(tokens);
    const sizes = server.requests.map(
        ({ init }) => (init.body as string).length,
    );
    expect(sizes.length).toBe(6);
    expect(Math.max(...sizes)).toBeLessThan(256 * 1024);
});

test("requests use the endpoint's options", async () => {
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

test.each([400, 411, 413])('a %i of the endpoint is final', async (status) => {
    server.fail(status, { [OWN]: 'refused' });
    await expect(client.poll([])).rejects.toThrow(
        new Refused(`The server answered poll with ${status}: no`),
    );
});

test.each([400, 401, 403, 407])(
    'a %i of a guard is final, but foreign',
    async (status) => {
        server.fail(status);
        await expect(client.poll([])).rejects.toThrow(
            new Refused(`The server answered poll with ${status}: no`, true),
        );
    },
);

test('a 404 is foreign: the endpoint has only one address', async () => {
    server.fail(404);
    await expect(client.poll([])).rejects.toThrow(
        new ForeignAnswer('The server answered poll with 404: no'),
    );
});

test('an answer to a cancel is empty, or foreign', async () => {
    server.answer(() => new Response('<html>Log in'));
    await expect(client.cancel([])).rejects.toBeInstanceOf(ForeignAnswer);
});

test('the reason of a refusal is one line, also from a proxy', async () => {
    server.answer(() => new Response('<html>\n  <p>No\n', { status: 403 }));
    await expect(client.cancel([])).rejects.toThrow(
        'The server answered cancel with 403: No',
    );
});

test('the reason of a page is its words', async () => {
    const page =
        '<!doctype html><title lang="en">Log\nin</title>' +
        '<style>a { color: red }</style><p>Enter your name.';
    server.answer(() => new Response(page));
    await expect(client.poll([])).rejects.toThrow(
        new ForeignAnswer(
            'The server answered poll with 200: Log in Enter your name.',
        ),
    );
});

test('a redirect is foreign, and not followed', async () => {
    const redirect = new Response(null);
    Object.defineProperty(redirect, 'type', { value: 'opaqueredirect' });
    Object.defineProperty(redirect, 'status', { value: 0 });
    server.answer(() => redirect);
    await expect(client.poll([])).rejects.toThrow(
        new ForeignAnswer(
            'The server answered poll with a redirect, as to a login',
        ),
    );
    expect(server.requests[0]?.init.redirect).toBe('manual');
});

test.each(['<html>', 'null', '{}', '"next"'])(
    'an answer of %s is foreign',
    async (body) => {
        server.answer(() => new Response(body));
        await expect(client.poll([])).rejects.toBeInstanceOf(ForeignAnswer);
    },
);

test('it gives up on an answer that does not come within 30 s', async () => {
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

test('a long answer may take any time while data arrives', async () => {
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

test('it gives up on an answer that stalls for 30 s', async () => {
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

test('it gives up on a request that hung while frozen 3 s after the return', async () => {
    hang();
    const outcome = expect(client.poll([])).rejects.toBeInstanceOf(Unavailable);
    await vi.advanceTimersByTimeAsync(20);
    browser.change();
    await vi.advanceTimersByTimeAsync(2999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
});

test('a return does not end an answer that still arrives', async () => {
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

test('an answer that breaks off can be retried', async () => {
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
