import type { Updates } from './effects/updates';
import type { Client } from './network/client';
import type { OwnResults } from './page/ownResults';
import type { Page } from './page/page';
import type { Runs } from './state/runs';
import type { TriggerInfo } from './wire/callbackRequest';

/** What the engine lends to code that comes in a script of its own. */
export type Parts = {
    page: Page;
    client: Client;
    runs: Runs;
    updates: Updates;
    ownResults: OwnResults;
    /** Return the info for a trigger. */
    next: () => TriggerInfo;
    /** Start a run again. */
    retry: (id: string) => unknown;
    /** Bring the page in line with what has changed. */
    settle: () => void;
};
