import { useSyncExternalStore } from 'react';
import type { Outcome } from '../../engine/answers';
import type { DashStore } from '../../engine/page/dashState';
import { Listeners } from '../../engine/state/listeners';
import type { Run } from '../../engine/state/run';
import type { Question } from '../../engine/wire/snapshot';
import { useDashStore } from '../hooks/hooks';

/** What a person has entered as the answer to a question, and what became of it. */
export type Draft = {
    readonly text: string;
    readonly state: 'open' | Outcome;
};

/** The drafts of a page, by run and question. */
class Drafts {
    readonly #drafts = new Map<string, Draft>();
    readonly #listeners = new Listeners();
    readonly watch = this.#listeners.watch;

    get(key: string): Draft | undefined {
        return this.#drafts.get(key);
    }

    set(key: string, draft: Draft): void {
        this.#drafts.set(key, draft);
        this.#listeners.tell();
    }
}

const drafts = new WeakMap<DashStore, Drafts>();

/** Return the draft that all views of a question share, and what changes it. */
export function useDraft(
    run: Run,
    question: Question,
): [draft: Draft, change: (changes: Partial<Draft>) => void] {
    const dashStore = useDashStore();
    const ofPage = drafts.get(dashStore) ?? new Drafts();
    drafts.set(dashStore, ofPage);
    const key = `${run.id} ${question.id}`;
    const get = () => ofPage.get(key);
    const none: Draft = { text: question.default ?? '', state: 'open' };
    return [
        useSyncExternalStore(ofPage.watch, get) ?? none,
        (changes) => {
            ofPage.set(key, { ...none, ...get(), ...changes });
        },
    ];
}
