/** The parameter of an address that links to a job; the server makes such links too. */
export const LINK_PARAMETER = 'long-job';

const url = new URL(location.href);

/** The token in the address, if a link to a job has led here. */
export const linked = url.searchParams.get(LINK_PARAMETER);

// Before Dash reads the address: layouts of pages refuse parameters that they don't
// know, and the token must not get into the addresses of other sites' logs.
if (linked) {
    url.searchParams.delete(LINK_PARAMETER);
    history.replaceState(history.state, '', url);
}
