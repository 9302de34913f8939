/** The page may have to ask the server for its content first. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 50;

/** The path and query of the page. */
export function here(): string {
    return location.pathname + location.search;
}

/** Goes to a page of the app as `dcc.Link` does, and to an element of it. */
export function visit(place: string, elementId: string | null): void {
    if (place !== here()) {
        history.pushState({}, '', place);
        dispatchEvent(new CustomEvent('_dashprivate_pushstate'));
    }
    if (elementId !== null) {
        show(elementId, performance.now() + PATIENCE_MS);
    }
}

/** Brings an element to view and gives it the focus, as soon as it is there. */
function show(elementId: string, until: number): void {
    const element = document.getElementById(elementId);
    if (!element) {
        if (performance.now() < until) {
            setTimeout(show, LOOK_MS, elementId, until);
        }
        return;
    }
    element.focus();
    if (document.activeElement !== element) {
        // What takes no focus of its own takes it for as long as it has it.
        element.tabIndex = -1;
        element.focus();
        const leave = () => {
            element.removeAttribute('tabindex');
        };
        element.addEventListener('blur', leave, { once: true });
    }
    element.scrollIntoView({ block: 'center' });
}
