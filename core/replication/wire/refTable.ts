/**
 * File references → file references in 21 to 43 bytes an entry, instead of some 150 in a Map of bigints. Open
 * addressing; reference 0 is no file.
 */
import { SafekitError } from "../../errors.ts";
import type { FileRef } from "../operation.ts";
import { maxBindings } from "./limits.ts";

/** The source forgets a binding only with the next message. */
const mostEntries = maxBindings + 100_000;
const empty = 0n;
const removed = 0xffffffffffffffffn;

export class RefTable {
	#keys = new BigUint64Array(1024);
	#values = new BigUint64Array(1024);
	#size = 0;
	/** Entries and removed ones: what makes a search long. */
	#used = 0;

	get size(): number {
		return this.#size;
	}

	get(key: FileRef): FileRef | undefined {
		const at = this.#find(key);
		return this.#keys[at] === key ? this.#values[at] : undefined;
	}

	has(key: FileRef): boolean {
		return this.#keys[this.#find(key)] === key;
	}

	/** @throws SafekitError REPLICATION_LIMIT: the source lets go of bindings before there are so many. */
	set(key: FileRef, value: FileRef): void {
		let at = this.#find(key);
		if (this.#keys[at] !== key) {
			if (this.#size >= mostEntries)
				throw new SafekitError("REPLICATION_LIMIT", `more than ${mostEntries} files are known by reference`);
			if ((this.#used + 1) * 4 > this.#keys.length * 3) {
				this.#rebuild();
				at = this.#find(key);
			}
			this.#keys[at] = key;
			this.#size++;
			this.#used++;
		}
		this.#values[at] = value;
	}

	add(key: FileRef): void {
		this.set(key, 1n);
	}

	delete(key: FileRef): void {
		const at = this.#find(key);
		if (this.#keys[at] !== key) return;
		this.#keys[at] = removed;
		this.#size--;
	}

	clear(): void {
		this.#keys = new BigUint64Array(1024);
		this.#values = new BigUint64Array(1024);
		this.#size = 0;
		this.#used = 0;
	}

	/** Entries from slot `from` on, at most `count` slots: for sweeping in slices. null: at the end. */
	slots(from: number, count: number): [FileRef, FileRef][] | null {
		if (from >= this.#keys.length) return null;
		const found: [FileRef, FileRef][] = [];
		for (let at = from; at < Math.min(from + count, this.#keys.length); at++) {
			const key = this.#keys[at]!;
			if (key !== empty && key !== removed) found.push([key, this.#values[at]!]);
		}
		return found;
	}

	/** The slot of the key, or the empty slot where it would go. */
	#find(key: FileRef): number {
		const mask = this.#keys.length - 1;
		const [low, high] = [Number(key & 0xffffffffn), Number(key >> 32n)];
		let at = (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) >>> 0;
		at = (at ^ (at >>> 15)) & mask;
		while (this.#keys[at] !== key && this.#keys[at] !== empty) at = (at + 1) & mask;
		return at;
	}

	#rebuild(): void {
		const [keys, values] = [this.#keys, this.#values];
		const length = this.#size * 2 > keys.length ? keys.length * 2 : keys.length;
		this.#keys = new BigUint64Array(length);
		this.#values = new BigUint64Array(length);
		this.#used = this.#size;
		for (const [at, key] of keys.entries()) {
			if (key === empty || key === removed) continue;
			const to = this.#find(key);
			this.#keys[to] = key;
			this.#values[to] = values[at]!;
		}
	}
}
