import type { Parts } from './parts';
import type { CallbackRequest } from './wire/callbackRequest';
import { toUpdates } from './wire/update';

declare global {
    // Only an interface can extend the existing one.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_long_components_retry?: typeof retry;
    }
}

/** Call a callback again with the same inputs, and show its answer as Dash does. */
export async function retry(
    { page, updates, ownResults, next }: Parts,
    request: CallbackRequest,
): Promise<void> {
    const answer = await page.send(request, next());
    ownResults.record(request, answer.response);
    await page.load(answer.dist ?? []);
    updates.apply(toUpdates(answer.sideUpdate));
    updates.apply(toUpdates(answer.response));
}
