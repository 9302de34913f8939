/** Where the endpoints are, and the options of every request to them. */
export type Endpoint = { url: string; init: RequestInit };
