/** The order in which the page triggers things, whatever order answers come in. */
export class Stamps {
    private last = 0;
    private readonly cancels = new Map<string, number>();

    next(): number {
        return ++this.last;
    }

    /** Notes that cancel Inputs have changed. */
    cancel(propIds: string[]): void {
        this.stamp(propIds);
        // An event that both cancels and starts may stamp the start after us.
        setTimeout(() => {
            this.stamp(propIds);
        });
    }

    /** Whether one of these cancel Inputs has changed since the stamp. */
    cancelledSince(seq: number, propIds: string[]): boolean {
        return propIds.some((propId) => (this.cancels.get(propId) ?? 0) > seq);
    }

    private stamp(propIds: string[]): void {
        const stamp = this.next();
        for (const propId of propIds) {
            this.cancels.set(propId, stamp);
        }
    }
}
