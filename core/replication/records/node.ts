/** What a node knows of its own data for good (replication.md §5.3): read at start, durable before it counts. */
import { randomBytes } from "node:crypto";
import { type Epoch, freshRecords, type NodeRecords } from "../../engine/replication.ts";
import { SafekitError } from "../../errors.ts";

/** What is stored. `crashed` is not: it follows from an open seal whose process is gone. */
export interface StoredRecords extends Omit<NodeRecords, "crashed"> {
	/** A person's last word on how the copies came to be (records/declared.ts). `open`: no session has followed it. */
	declared?: { role: "prim" | "second"; atMs: number; term: number; open: boolean };
}

interface Store {
	readonly newest: Buffer | null;
	write(payload: Buffer): void;
	close(): void;
}

const historyLength = 8;
export const newEpochId = (): string => randomBytes(8).toString("hex");

function fresh(): StoredRecords {
	const { crashed: _, ...stored } = freshRecords(newEpochId());
	return stored;
}

/** A line of data of its own begins: `base` stays what both had when they last were the same. Pure. */
export function mintedEpoch(epoch: Epoch | null, force: boolean): Epoch {
	// The first line of all shares its base with nobody.
	if (epoch === null) return { current: newEpochId(), base: newEpochId(), history: [] };
	if (!force) return { ...epoch, current: newEpochId() };
	return { current: newEpochId(), base: epoch.current, history: older(epoch.base, epoch) };
}

/** What both sides have when a session is about to be complete (§5.8 step 4): the line begins anew from here. Pure. */
export function sharedEpoch(epoch: Epoch | null): Epoch {
	const known = epoch ?? mintedEpoch(null, false);
	if (known.current === known.base) return known;
	return { current: known.current, base: known.current, history: older(known.base, known) };
}

function older(id: string, epoch: Epoch): string[] {
	return [id, ...epoch.history.filter((known) => known !== id)].slice(0, historyLength);
}

export class Records {
	readonly #store: Store;
	#stored: StoredRecords;
	/** The last session ended without a seal, and not under this process. */
	#crashed: boolean;
	/** The disk failed under this process: what was taken for written may be gone, whatever later calls return. */
	#failed = false;
	/** Told after each change is durable. */
	onChange: (records: NodeRecords) => void = () => {};

	/**
	 * @param intact the process before died, but what it had applied is all here: it served, and the machine runs on.
	 * @throws SafekitError REPLICATION_RECORDS when the stored record is not one of this product.
	 */
	constructor(store: Store, intact = false) {
		this.#store = store;
		const payload = store.newest;
		this.#stored = payload === null ? fresh() : parse(payload);
		this.#crashed = this.#stored.seal === "open" && !intact;
		if (payload === null) store.write(Buffer.from(JSON.stringify(this.#stored)));
	}

	get now(): Readonly<StoredRecords> {
		return this.#stored;
	}

	get crashed(): boolean {
		return this.#crashed;
	}

	/** As the engine and the peer see them. */
	get shown(): NodeRecords {
		const { declared: _, ...shown } = this.#stored;
		return { ...shown, crashed: this.#crashed };
	}

	/**
	 * Makes the change durable, then lets it count. Without a difference nothing is written, so that an order given
	 * twice costs nothing. @param intact the data here is known to be whole again: a crash before is forgotten.
	 */
	change(change: Partial<StoredRecords>, intact = false): void {
		const next = { ...this.#stored, ...change };
		if (next.term < this.#stored.term)
			throw new SafekitError("INTERNAL", `term ${next.term} after ${this.#stored.term}`);
		const same = JSON.stringify(next) === JSON.stringify(this.#stored);
		if (!same) this.#store.write(Buffer.from(JSON.stringify(next)));
		const forgets = intact && this.#crashed && !this.#failed;
		this.#stored = next;
		if (forgets) this.#crashed = false;
		if (!same || forgets) this.onChange(this.shown);
	}

	/**
	 * Before the first change that the peer does not get: once a separation, unless forced, or `again`: another line
	 * from the same base. True: minted now.
	 */
	mint(force = false, again = false): boolean {
		const { epoch } = this.#stored;
		if (!force && !again && epoch !== null && epoch.current !== epoch.base) return false;
		this.change({ epoch: mintedEpoch(epoch, force) });
		return true;
	}

	/** Nothing was done since a person declared that a copy is made of this data: marks name all that differs from it. */
	get justDeclared(): boolean {
		const { declared, term, copying } = this.#stored;
		return declared?.role === "prim" && declared.open && declared.term === term && !copying;
	}

	/** What is recorded when a session makes both copies equal: a word on how they came to be has had its effect. */
	get settled(): Pick<StoredRecords, "declared"> {
		const { declared } = this.#stored;
		return declared === undefined ? {} : { declared: { ...declared, open: false } };
	}

	/** The data here lacks something that was acknowledged (an operation could not be applied). */
	markCrashed(): void {
		if (this.#crashed) return;
		this.#crashed = true;
		this.onChange(this.shown);
	}

	/** A sync failed. The kernel reports that once and then takes the pages for clean: no later sync proves anything. */
	markFailed(): void {
		this.#failed = true;
		this.markCrashed();
	}

	close(): void {
		this.#store.close();
	}
}

function parse(payload: Buffer): StoredRecords {
	try {
		const value = JSON.parse(payload.toString("utf8")) as StoredRecords;
		const known = fresh();
		const whole = Object.keys(known).every((key) => key in value);
		if (whole && Number.isSafeInteger(value.term) && typeof value.tree === "string") return value;
	} catch (cause) {
		throw new SafekitError("REPLICATION_RECORDS", "the replication record is not readable", { cause });
	}
	throw new SafekitError("REPLICATION_RECORDS", "the replication record lacks a field");
}
