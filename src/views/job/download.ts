/** Let the user save a text as a file. */
export function download(name: string, text: string): void {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = Object.assign(document.createElement('a'), {
        href: url,
        download: name,
    });
    link.click();
    URL.revokeObjectURL(url);
}
