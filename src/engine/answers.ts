import type { Engine } from './engine';
import { ForeignAnswer, type Refused } from './network/client';

/** What became of an answer: with `over`, another one or the end of the time was first. */
export type Outcome = 'sent' | 'failed' | 'over';

/** Send the answer to a question. A poll shows soon what the job makes of it. */
export async function sendAnswer(
    engine: Engine,
    body: { token: string | undefined; question: string; answer: string },
): Promise<Outcome> {
    let outcome: Outcome = 'sent';
    try {
        const { text, reason } = await engine.client.post('answer', body);
        if (text) {
            throw new ForeignAnswer(reason);
        }
    } catch (error) {
        // Not by `instanceof`: the class is in another script.
        const isFinal = (error as Partial<Refused>).isForeign === false;
        outcome = isFinal ? 'over' : 'failed';
    }
    engine.hurry();
    return outcome;
}
