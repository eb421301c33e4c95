/**
 * Resource states in pulses. Each change gets a revision; a pulse carries what changed after the revision that the
 * peer says it has, as much as fits, oldest first. So nothing is ever lost, and in the quiet nothing is sent.
 */

/** Everything that changed after `after` up to `upTo`; the sender is at `current`. null: the resource is gone. */
export type ResourceSlice = [after: number, upTo: number, current: number, states: Record<string, string | null>];

/** Longest `"name":"value",` that travels, in bytes; longer ones stay on their node. */
const maxEntryBytes = 160;
const maxResources = 1000;

function entryBytes(name: string, value: string | null): number {
	return Buffer.byteLength(JSON.stringify(name)) + Buffer.byteLength(JSON.stringify(value)) + 2;
}

export class ResourceSender {
	/** In the order of their revisions. */
	readonly #entries = new Map<string, { value: string | null; revision: number }>();
	#current = 0;
	#peerHas = 0;

	/** The states from now on. True if anything changed. */
	update(resources: Readonly<Record<string, string>>): boolean {
		const before = this.#current;
		const kept = Object.entries(resources)
			.filter(([name, value]) => entryBytes(name, value) <= maxEntryBytes)
			.slice(0, maxResources);
		const names = new Set(kept.map(([name]) => name));
		for (const [name, entry] of [...this.#entries]) {
			if (!names.has(name) && entry.value !== null) this.#put(name, null);
		}
		for (const [name, value] of kept) if (this.#entries.get(name)?.value !== value) this.#put(name, value);
		return this.#current !== before;
	}

	#put(name: string, value: string | null): void {
		this.#entries.delete(name);
		this.#entries.set(name, { value, revision: ++this.#current });
	}

	/** What the peer's pulses say that it has; 0 for a peer that started anew. */
	peerHas(revision: number): void {
		this.#peerHas = Math.min(revision, this.#current);
		for (const [name, entry] of [...this.#entries]) {
			if (entry.value === null && entry.revision <= this.#peerHas) this.#entries.delete(name);
		}
	}

	/** What the peer lacks, within `bytes` of JSON. */
	slice(bytes: number): ResourceSlice {
		const states: Record<string, string | null> = {};
		let left = bytes - Buffer.byteLength(JSON.stringify([this.#peerHas, this.#current, this.#current, {}]));
		let upTo = this.#peerHas;
		for (const [name, { value, revision }] of this.#entries) {
			if (revision <= this.#peerHas) continue;
			left -= entryBytes(name, value);
			if (left < 0) return [this.#peerHas, upTo, this.#current, states];
			states[name] = value;
			upTo = revision;
		}
		return [this.#peerHas, this.#current, this.#current, states];
	}
}

export class ResourceReceiver {
	readonly #states = new Map<string, string>();
	#revision = 0;

	get revision(): number {
		return this.#revision;
	}

	/** Takes over a slice. True if this is all that the peer has, so that `states` may be shown. */
	apply([after, upTo, current, states]: ResourceSlice): boolean {
		if (after > this.#revision) return false;
		for (const [name, value] of Object.entries(states)) {
			if (value === null) this.#states.delete(name);
			else if (this.#states.has(name) || this.#states.size < maxResources) this.#states.set(name, value);
		}
		this.#revision = Math.max(this.#revision, upTo);
		return this.#revision >= current;
	}

	states(): Record<string, string> {
		return Object.fromEntries(this.#states);
	}
}
