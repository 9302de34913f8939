import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser';
import { handle } from '../../testing/handle';
import { append, FakePage } from '../../testing/page';
import { FakeStorage } from '../../testing/storage';
import { Client } from './client';
import { Connection } from './connection';
import { Engine } from '../engine';
import { TabStorage } from '../state/tabStorage';
import { Runs } from '../state/runs';
import type { Snapshot } from '../wire/snapshot';

const CHANGES = 12;
const CHANGE_MS = 700;

/** Return a generator of numbers from 0 to 1 with a seed (mulberry32). */
function randomOf(seed: number): () => number {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

/** A server with one job, behind a network on which anything may fail. */
class BadLine {
    readonly #start = Date.now();
    #last: string | undefined;
    readonly fates = new Set<string>();
    readonly #random: () => number;

    constructor(random: () => number) {
        this.#random = random;
        vi.stubGlobal('fetch', (_: string, { body }: { body: string }) =>
            this.#fetch(body),
        );
    }

    async #fetch(body: string): Promise<Response> {
        const [[, cursor]] = JSON.parse(body) as [[string, number]];
        const fate = this.#fate();
        this.fates.add(fate);
        switch (fate) {
            case 'not reached':
                throw new TypeError('Failed to fetch');
            case 'a proxy':
                return new Response('<html>', { status: 502 });
            case 'another app':
                return new Response('<html>', { status: 404 });
            case 'repeated':
                return new Response(this.#last ?? this.#answer(cursor));
        }
        const answer = this.#answer(cursor);
        switch (fate) {
            case 'lost':
                throw new TypeError('Failed to fetch');
            case 'late':
                await new Promise((resolve) => setTimeout(resolve, 45_000));
                break;
            case 'cut':
                return new Response(answer.slice(0, -3));
        }
        return new Response(answer);
    }

    #fate(): string {
        const fates = ['not reached', 'a proxy', 'another app', 'repeated'];
        fates.push('lost', 'late', 'cut', 'well', 'well', 'well');
        return fates[Math.floor(this.#random() * fates.length)] ?? 'well';
    }

    #answer(cursor: number): string {
        const now = Math.floor((Date.now() - this.#start) / CHANGE_MS) + 1;
        const ended = now > CHANGES;
        const top = Math.min(now, CHANGES + 1);
        const snapshot: Snapshot = {
            cursor: top,
            status: ended ? 'succeeded' : 'running',
            props: Array.from({ length: CHANGES }, (_, index) => index + 1)
                .filter((change) => change > cursor && change <= top)
                .map((change) => ['out', 'list', append(change)]),
            ...(ended && {
                result: { response: { out: { children: append('done') } } },
            }),
        };
        this.#last = JSON.stringify({
            next: 100,
            jobs: top > cursor ? { 0: snapshot } : {},
        });
        return this.#last;
    }
}

beforeEach(() => {
    vi.useFakeTimers();
});

afterEach(() => {
    vi.useRealTimers();
});

test('on any network, each change is shown once and in order', async () => {
    const fates = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
        const random = randomOf(seed);
        vi.spyOn(Math, 'random').mockImplementation(random);
        const line = new BadLine(random);
        const browser = new FakeBrowser();
        const page = new FakePage('out', 'button');
        page.setProps('out', { list: [], children: [] });
        new FakeStorage();
        const engine = new Engine(
            page,
            new Client(() => ({ url: '/', init: {} }), new Connection(browser)),
            new TabStorage('jobs'),
            new TabStorage('cancels'),
            new Runs(new TabStorage('runs')),
            'app',
        );
        engine.take([
            handle('a', {
                running: [['button', 'disabled', true, false]],
            }),
        ]);
        for (let tries = 0; tries < 100 && engine.pending().length; tries++) {
            await vi.advanceTimersByTimeAsync(random() * 20_000);
            browser.change({
                isHidden: random() < 0.3,
                isOffline: random() < 0.2,
            });
        }
        browser.change({ isHidden: false, isOffline: false });
        await vi.advanceTimersByTimeAsync(60_000);
        expect(page.props('out'), `seed ${seed}`).toEqual({
            list: Array.from({ length: CHANGES }, (_, index) => index + 1),
            children: ['done'],
        });
        expect(page.props('button')).toEqual({ disabled: false });
        expect(page.reports).toEqual([]);
        expect(engine.connection.state).toBe('online');
        expect(vi.getTimerCount()).toBe(0);
        line.fates.forEach((fate) => fates.add(fate));
    }
    expect(fates.size).toBe(8);
});
