import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Requests } from './requests';

let requests: Requests;

beforeEach(() => {
    vi.useFakeTimers();
    requests = new Requests();
});

afterEach(() => {
    vi.useRealTimers();
});

test('a request is given out once', () => {
    const request = { output: 'out.children' };
    requests.add(1, request);
    expect(requests.take(1)).toBe(request);
    expect(requests.take(1)).toBeUndefined();
});

test('a request is kept for a while after its answer', () => {
    requests.add(1, {});
    requests.add(2, {});
    requests.answered(1);
    vi.advanceTimersByTime(4000);
    requests.add(3, {});
    expect(requests.take(1)).toBeDefined();
    requests.answered(2);
    vi.advanceTimersByTime(6000);
    requests.add(4, {});
    expect(requests.take(2)).toBeUndefined();
    expect(requests.take(3)).toBeDefined();
});

test('no more are kept than Dash has in flight, and some', () => {
    for (let seq = 1; seq <= 40; seq++) {
        requests.add(seq, {});
    }
    expect(requests.take(8)).toBeUndefined();
    expect(requests.take(9)).toBeDefined();
    expect(requests.take(40)).toBeDefined();
});
