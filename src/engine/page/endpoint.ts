import type { Endpoint } from '../wire/endpoint';
import type { Config } from './dashState';

/** Return the name under which the engine's endpoints and storage are found. */
export function nameOf({ requests_pathname_prefix }: Config): string {
    return `${requests_pathname_prefix}_dash-long-jobs`;
}

/** Return how to reach the endpoints: with the headers of Dash's own requests. */
export function endpointOf(config: Config): Endpoint {
    return {
        url: `${nameOf(config)}/`,
        init: {
            ...config.fetch,
            headers: { ...config.fetch.headers, ...csrfHeader(config) },
        },
    };
}

function csrfHeader(config: Config): Record<string, string> {
    const name = config.csrf_token_name ?? '_csrf_token';
    const token = cookie(name) ?? metaToken();
    return token === undefined
        ? {}
        : { [config.csrf_header_name ?? 'X-CSRFToken']: token };
}

function cookie(name: string): string | undefined {
    const found = document.cookie
        .split('; ')
        .find((each) => each.startsWith(`${name}=`));
    return found && decode(found.slice(name.length + 1));
}

/** Flask-WTF's guide has pages carry the token like this. */
function metaToken(): string | undefined {
    const selector = 'meta[name="csrf-token"]';
    return document.querySelector<HTMLMetaElement>(selector)?.content;
}

/** Not every server encodes its cookies. */
function decode(value: string): string {
    try {
        return decodeURIComponent(value);
    } catch {
        return value;
    }
}
