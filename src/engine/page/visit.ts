import { stringifyId, type Id } from '../wire/id';

/** The page may have to ask the server for its content first. */
const TIMEOUT_MS = 10_000;
const LOOK_MS = 50;

/** The number of visits: a later one ends the wait of those before. */
let visits = 0;

/** The path and query of the page. */
export function here(): string {
    return location.pathname + location.search;
}

/** Go to a page of the app as `dcc.Link` does, then to a component on it. */
export function visit(address: string, id: Id | null): void {
    if (address !== here()) {
        history.pushState({}, '', address);
        dispatchEvent(new CustomEvent('_dashprivate_pushstate'));
    }
    visits++;
    if (id !== null) {
        show(stringifyId(id), performance.now() + TIMEOUT_MS, visits);
    }
}

/** Scroll to an element and focus it, as soon as it exists. */
function show(elementId: string, until: number, visit: number): void {
    const element = document.getElementById(elementId);
    if (!element) {
        if (performance.now() < until && visit === visits) {
            setTimeout(show, LOOK_MS, elementId, until, visit);
        }
        return;
    }
    element.focus();
    if (document.activeElement !== element) {
        // An element that can't be focused can be for as long as it has the focus.
        element.tabIndex = -1;
        element.focus();
        const restore = () => {
            element.removeAttribute('tabindex');
        };
        element.addEventListener('blur', restore, { once: true });
    }
    element.scrollIntoView({ block: 'center' });
}
