/** Return a promise and the functions that settle it. */
export function deferred(): {
    promise: Promise<void>;
    resolve: () => void;
    reject: (reason: Error) => void;
} {
    let resolve!: () => void;
    let reject!: (reason: Error) => void;
    const promise = new Promise<void>((settle, fail) => {
        resolve = settle;
        reject = fail;
    });
    return { promise, resolve, reject };
}
