import type { CallbackAnswer, CallbackRequest } from '../wire/callbackRequest';
import type { DashState } from './dashState';

declare global {
    // Only an interface can extend the existing one.
    // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
    interface Window {
        dash_long_components_send?: typeof send;
    }
}

/** Send a callback's request again, as Dash does; rejects with the reason if it fails. */
export async function send(
    { config, hooks }: DashState,
    init: RequestInit,
    request: CallbackRequest,
): Promise<CallbackAnswer> {
    hooks.request_pre?.(request);
    const response = await fetch(
        `${config.requests_pathname_prefix}_dash-update-component`,
        { ...init, method: 'POST', body: JSON.stringify(request) },
    ).catch(() => {
        throw new Error('the server did not respond');
    });
    if (!response.ok) {
        throw new Error(`the server answered with ${response.status}`);
    }
    // "No content" means that the callback has updated nothing.
    return response.status === 204
        ? {}
        : ((await response.json()) as CallbackAnswer);
}
