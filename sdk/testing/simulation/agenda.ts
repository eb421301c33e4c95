/** Things to come, ordered by time and then by the order in which they were planned: a binary heap. */

export interface Due {
	atMs: number;
	call: () => void;
}

interface Entry {
	due: Due;
	order: number;
}

export class Agenda {
	readonly #heap: Entry[] = [];
	readonly #cancelled = new WeakSet<Due>();
	#orders = 0;

	add(due: Due): void {
		const heap = this.#heap;
		const entry = { due, order: this.#orders++ };
		let at = heap.push(entry) - 1;
		while (at > 0) {
			const parent = (at - 1) >> 1;
			if (!isBefore(entry, heap[parent] as Entry)) break;
			heap[at] = heap[parent] as Entry;
			at = parent;
		}
		heap[at] = entry;
	}

	/** It is left out when its turn comes. */
	cancel(due: Due): void {
		this.#cancelled.add(due);
	}

	first(): Due | undefined {
		for (;;) {
			const due = this.#heap[0]?.due;
			if (due === undefined || !this.#cancelled.has(due)) return due;
			this.take();
		}
	}

	take(): void {
		const heap = this.#heap;
		const last = heap.pop();
		if (last === undefined || heap.length === 0) return;
		let at = 0;
		for (;;) {
			let child = 2 * at + 1;
			if (child >= heap.length) break;
			if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
			if (!isBefore(heap[child] as Entry, last)) break;
			heap[at] = heap[child] as Entry;
			at = child;
		}
		heap[at] = last;
	}
}

function isBefore(a: Entry, b: Entry): boolean {
	return a.due.atMs < b.due.atMs || (a.due.atMs === b.due.atMs && a.order < b.order);
}
