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
        whenThere(elementId, show);
    }
}

function show(element: HTMLElement): void {
    element.scrollIntoView({ block: 'center' });
    element.focus({ preventScroll: true });
    if (document.activeElement !== element) {
        // What takes no focus of its own takes it for as long as it has it.
        element.tabIndex = -1;
        element.focus({ preventScroll: true });
        const leave = () => {
            element.removeAttribute('tabindex');
        };
        element.addEventListener('blur', leave, { once: true });
    }
}

/** Calls back when there is such an element, unless there is none for long. */
function whenThere(
    elementId: string,
    callback: (element: HTMLElement) => void,
    until = performance.now() + PATIENCE_MS,
): void {
    const element = document.getElementById(elementId);
    if (element) {
        callback(element);
    } else if (performance.now() < until) {
        setTimeout(whenThere, LOOK_MS, elementId, callback, until);
    }
}
