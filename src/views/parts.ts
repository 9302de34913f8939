/** The parts of a view, in the order in which they stand. */
export const PARTS = [
    'status',
    'cached',
    'bar',
    'count',
    'percent',
    'elapsed',
    'eta',
    'queue',
    'connection',
    'cancel',
    'retry',
    'error',
    'log',
] as const;

/** The parts of a job in the list of all jobs. */
export const TRAY_PARTS = [...PARTS, 'name', 'visit'] as const;

/** The name is left to those who ask for it: a layout mostly says it already. */
export type Part = (typeof TRAY_PARTS)[number];
