const url = new URL(location.href);

/** The token in the address, if a link to a job has led here. */
export const linked = url.searchParams.get('long-job');

// Before Dash reads the address: layouts of pages refuse parameters that they don't
// know, and the token must not get into the addresses of other sites' logs.
if (linked) {
    url.searchParams.delete('long-job');
    history.replaceState(history.state, '', url);
}
