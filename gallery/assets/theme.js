// The browser's colour scheme, until the user has chosen one.
document.documentElement.dataset.theme =
    localStorage.getItem('theme') ??
    (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

// The jobs of a browser belong to the user with this name.
if (!/(^|; )visitor=/.test(document.cookie)) {
    const name = crypto.getRandomValues(new Uint32Array(4)).join('-');
    document.cookie = `visitor=${name}; path=/; max-age=31536000; samesite=lax`;
}

window.switchTheme = () => {
    const { dataset } = document.documentElement;
    dataset.theme = dataset.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem('theme', dataset.theme);
};
