import { useLayoutEffect, useRef, type RefObject } from 'react';

/**
 * Move the focus to an element when the focused one is removed.
 *
 * Returns the event handlers for the element around both.
 */
export function useFocusKept(element: RefObject<HTMLElement>) {
    const hadFocus = useRef(false);

    useLayoutEffect(() => {
        const { current } = element;
        // When the focused element is removed, the browser focuses the body.
        if (hadFocus.current && document.activeElement === document.body) {
            current?.focus();
        }
    });

    return {
        onFocus: () => {
            hadFocus.current = true;
        },
        onBlur: () => {
            hadFocus.current = false;
        },
    };
}
