/** Write seconds as `0:42`, `12:05` or `1:03:20`. */
export function formatTime(seconds: number): string {
    const whole = Math.max(0, Math.floor(seconds));
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    const rest = String(whole % 60).padStart(2, '0');
    return hours > 0
        ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}`
        : `${minutes}:${rest}`;
}

/** Return percent, rounded down, so that 100 means all of it. */
export function percent(share: number): number {
    // 0.29 * 100 is a little less than 29.
    return Math.floor(share * 100 + 1e-9);
}

export function formatShare(share: number): string {
    return `${percent(share)} %`;
}

export function formatNumber(value: number): string {
    return value.toLocaleString(undefined, { maximumFractionDigits: 1 });
}
