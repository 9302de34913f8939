import { useEffect, type RefObject } from 'react';

/** Close an open panel on a press outside of its element, and on Escape. */
export function useClosing(
    isOpen: boolean,
    element: RefObject<HTMLElement>,
    summary: RefObject<HTMLElement>,
    close: () => void,
): void {
    useEffect(() => {
        if (!isOpen) {
            return;
        }
        const closeFor = ({ target }: Event) => {
            if (!element.current?.contains(target as Node)) {
                close();
            }
        };
        const closeByEscape = ({ key }: KeyboardEvent) => {
            if (key === 'Escape') {
                close();
                summary.current?.focus();
            }
        };
        document.addEventListener('pointerdown', closeFor);
        document.addEventListener('keydown', closeByEscape);
        return () => {
            document.removeEventListener('pointerdown', closeFor);
            document.removeEventListener('keydown', closeByEscape);
        };
    }, [isOpen, element, summary, close]);
}
