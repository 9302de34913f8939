import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SentRequests } from './sentRequests';

let requests: SentRequests;

beforeEach(() => {
    vi.useFakeTimers();
    requests = new SentRequests();
});

afterEach(() => {
    vi.useRealTimers();
});

test('a request is returned once', () => {
    const request = { output: 'out.children' };
    requests.add(1, request);
    expect(requests.take(1)).toBe(request);
    expect(requests.take(1)).toBeUndefined();
});

test('a request is kept for a minute', () => {
    requests.add(1, {});
    vi.advanceTimersByTime(50_000);
    requests.add(2, {});
    vi.advanceTimersByTime(20_000);
    requests.add(3, {});
    expect(requests.take(1)).toBeUndefined();
    expect(requests.take(2)).toBeDefined();
});

test('it keeps a few more than Dash has in flight', () => {
    for (let seq = 1; seq <= 40; seq++) {
        requests.add(seq, {});
    }
    expect(requests.take(16)).toBeUndefined();
    expect(requests.take(17)).toBeDefined();
    expect(requests.take(40)).toBeDefined();
});

test('a busy page keeps the last request of each callback', () => {
    requests.add(1, { output: 'slow.children' });
    requests.add(2, { output: 'slow.children' });
    for (let seq = 3; seq <= 60; seq++) {
        requests.add(seq, { output: `clock.${seq % 2}` });
    }
    expect(requests.take(1)).toBeUndefined();
    expect(requests.take(2)).toBeDefined();
    vi.advanceTimersByTime(70_000);
    requests.add(61, {});
    expect(requests.take(60)).toBeUndefined();
});
