/**
 * Requests that wait, unapplied, until changes may go on (frozen, or the send window is full). In their order.
 *
 * While a change of names waits, the kernel holds its directory: whoever lists it, or asks for a name that the kernel
 * has not remembered, waits too. Open files and remembered names are not concerned, and nothing waits for longer than
 * a freeze may last (`locktimeout`); to answer sooner would mean to acknowledge what may be lost.
 */

const maxRequests = 16_384;
const maxBytes = 256 << 20;

export class Parking {
	#waiting: { unique: bigint; raw: Buffer }[] = [];
	#bytes = 0;

	get empty(): boolean {
		return this.#waiting.length === 0;
	}

	/** Keeps a copy; false when there is no room. */
	park(unique: bigint, raw: Buffer): boolean {
		if (this.#waiting.length >= maxRequests || this.#bytes + raw.length > maxBytes) return false;
		this.#waiting.push({ unique, raw: Buffer.from(raw) });
		this.#bytes += raw.length;
		return true;
	}

	/** Takes out one that its caller gave up; false when it is not here. */
	interrupt(unique: bigint): boolean {
		const index = this.#waiting.findIndex((request) => request.unique === unique);
		if (index < 0) return false;
		this.#bytes -= this.#waiting[index]?.raw.length ?? 0;
		this.#waiting.splice(index, 1);
		return true;
	}

	/** Gives the oldest to `dispatch`, as long as `more()` says so; those that park again meanwhile stay. */
	drain(dispatch: (raw: Buffer) => void, more: () => boolean = () => true): void {
		for (let left = this.#waiting.length; left > 0 && more(); left--) {
			const next = this.#waiting.shift();
			if (next === undefined) return;
			this.#bytes -= next.raw.length;
			dispatch(next.raw);
		}
	}
}
