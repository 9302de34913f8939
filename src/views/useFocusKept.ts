import { useLayoutEffect, useRef, type RefObject } from 'react';

/**
 * Gives the focus to an element when what had it goes.
 *
 * Returns the handlers for the element in which that may happen.
 */
export function useFocusKept(element: RefObject<HTMLElement>) {
    const hadFocus = useRef(false);

    useLayoutEffect(() => {
        const { current } = element;
        // The browser gives the focus of what is removed to nobody.
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
