/** Copy a text to the clipboard; resolves to whether that worked. */
export async function copyText(text: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        return copyBySelection(text);
    }
}

/** Pages on plain HTTP have no `navigator.clipboard`. */
function copyBySelection(text: string): boolean {
    const area = document.createElement('textarea');
    const focused = document.activeElement as HTMLElement | null;
    area.value = text;
    // Beside the button: a modal dialog around it keeps the focus inside.
    (focused?.parentElement ?? document.body).append(area);
    area.focus({ preventScroll: true });
    area.select();
    // There is no other way on such pages.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const isCopied = document.execCommand('copy');
    area.remove();
    focused?.focus({ preventScroll: true });
    return isCopied;
}
