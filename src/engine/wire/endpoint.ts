/** The URLs of the endpoints, and the options of every request to them. */
export type Endpoint = { url: string; init: RequestInit };
