/**
 * Jobs for a syncer thread in shared memory: to hand one over takes a microsecond, and its end is seen by a look,
 * without Node's messages, whose wake-ups on both sides cost as much as the sync itself. One side posts, the other
 * takes; jobs are done in their order.
 */
import { deserialize, serialize } from "node:v8";
import type { SyncerJob } from "./syncerJob.ts";

/** A power of two: the numbers of jobs wrap at 32 bits. */
const slots = 32;
/** Of a job in bytes: the longest writes 64 KiB. Memory is only taken where it is used. */
const jobBytes = 72 * 1024;
const words = 4;
const [posted, ended, served, layoutAt, firstSlot] = [0, 1, 2, 3, 4];
/** Another number with every change of this file or of a job: a thread may start after the product was replaced. */
const layout = 1;
/** In a slot: the kind of a job (0: what stands in the bytes), its descriptor or its length, its result. */
const [atKind, atValue, atResult] = [0, 1, 2];
const kinds = ["", "fsync", "fdatasync", "syncfs"] as const;

export class SyncerRing {
	readonly shared: SharedArrayBuffer;
	readonly #control: Int32Array;
	readonly #bytes: Uint8Array;
	/** The next job to take, on the thread's side; the next end to see, on the other. */
	#next = 0;

	/** @param shared of the other side's ring. */
	constructor(shared?: SharedArrayBuffer) {
		const head = (firstSlot + slots * words) * 4;
		this.shared = shared ?? new SharedArrayBuffer(head + slots * jobBytes);
		this.#control = new Int32Array(this.shared, 0, firstSlot + slots * words);
		this.#bytes = new Uint8Array(this.shared, head);
		if (shared === undefined) this.#control[layoutAt] = layout;
		else if (this.#control[layoutAt] !== layout) throw new Error("this process is of another version of the product");
	}

	/** False: there is no room until an end was seen. */
	post(job: SyncerJob): boolean {
		const number = Atomics.load(this.#control, posted);
		if (((number - this.#next) | 0) >= slots) return false;
		const at = slotOf(number);
		const kind = kinds.indexOf(job.do as (typeof kinds)[number]);
		if ("fd" in job && kind > 0) {
			this.#control[at + atKind] = kind;
			this.#control[at + atValue] = job.fd;
		} else {
			const bytes = serialize(job);
			if (bytes.length > jobBytes) throw new RangeError(`a job of ${bytes.length} bytes`);
			this.#bytes.set(bytes, (number & (slots - 1)) * jobBytes);
			this.#control[at + atKind] = 0;
			this.#control[at + atValue] = bytes.length;
		}
		Atomics.store(this.#control, posted, (number + 1) | 0);
		Atomics.notify(this.#control, posted, 1);
		return true;
	}

	/** The other side runs. */
	get served(): boolean {
		return Atomics.load(this.#control, served) === 1;
	}

	/** The result of the oldest job whose end was not seen yet; null while it goes on. */
	collect(): number | null {
		if (Atomics.load(this.#control, ended) === this.#next) return null;
		const result = this.#control[slotOf(this.#next) + atResult]!;
		this.#next = (this.#next + 1) | 0;
		return result;
	}

	/** The other side: waits for jobs and does them; `tell` is called after the end of each can be seen. */
	serve(work: (job: SyncerJob) => number, tell: () => void): void {
		Atomics.store(this.#control, served, 1);
		Atomics.wait(this.#control, posted, this.#next);
		while (Atomics.load(this.#control, posted) !== this.#next) {
			const at = slotOf(this.#next);
			this.#control[at + atResult] = work(this.#job(this.#next));
			this.#next = (this.#next + 1) | 0;
			Atomics.store(this.#control, ended, this.#next);
			tell();
		}
	}

	#job(number: number): SyncerJob {
		const at = slotOf(number);
		const [kind, value] = [kinds[this.#control[at + atKind]!]!, this.#control[at + atValue]!];
		if (kind !== "") return { do: kind, fd: value };
		const start = (number & (slots - 1)) * jobBytes;
		// A copy: the deserializer takes no shared memory.
		return deserialize(Buffer.from(this.#bytes.slice(start, start + value))) as SyncerJob;
	}
}

function slotOf(number: number): number {
	return firstSlot + (number & (slots - 1)) * words;
}
