/** The disk of a node: what was synced survives a power loss, of the rest only what happened to be written. */
import { declaredCheckpoints } from "../../core/engine/meeting.ts";
import { freshRecords, type NodeRecords } from "../../core/engine/replication.ts";
import type { Random } from "./random.ts";

/** How many files the simulated application writes. A value is the number of the operation that wrote it; 0: none. */
export const keyCount = 6;

/** A disk as it was once. */
export type Snapshot = Pick<Disk, "stable" | "stableChangedMs" | "checkpointMs" | "quarantine" | "records"> & {
	marks: ReadonlySet<number>;
};

export class Disk {
	/** What the page cache shows, and what a power loss leaves. */
	memory: number[] = new Array(keyCount).fill(0);
	stable: number[] = new Array(keyCount).fill(0);
	/** When each file was changed last (its ctime): in the page cache and on the disk. */
	changedMs: number[] = new Array(keyCount).fill(0);
	stableChangedMs: number[] = new Array(keyCount).fill(0);
	/** The disk's clock at the last checkpoint. */
	checkpointMs = 0;
	/** Marks and records are durable the moment they are here. */
	marks = new Set<number>();
	/** Changed by hand, and no walk has looked since. The replication does not know this. */
	readonly byHand = new Set<number>();
	quarantine: number[] = [];
	records: NodeRecords;
	readonly #clock: () => number;

	constructor(tree: string, clock: () => number) {
		this.#clock = clock;
		this.records = freshRecords(tree);
	}

	put(key: number, value: number): undefined {
		this.memory[key] = value;
		this.changedMs[key] = this.#clock();
	}

	sync(): undefined {
		this.stable = [...this.memory];
		this.stableChangedMs = [...this.changedMs];
	}

	syncFile(key: number): undefined {
		this.stable[key] = this.memory[key] as number;
		this.stableChangedMs[key] = this.changedMs[key] as number;
	}

	/** Content and time of change get to the disk each on its own. */
	powerLoss(random: Random, extra: Random): undefined {
		this.memory = this.memory.map((value, key) => (random.chance(0.3) ? value : (this.stable[key] as number)));
		this.changedMs = this.changedMs.map((ms, key) => (extra.chance(0.3) ? ms : (this.stableChangedMs[key] as number)));
		this.sync();
	}

	markAll(): undefined {
		for (let key = 0; key < keyCount; key++) this.marks.add(key);
	}

	/** A person's word that this copy counts: older than the other one's it is no more, and its marks may be of old. */
	declare(): undefined {
		const { own, peer } = this.records.checkpoint;
		this.record({ copying: false, checkpoint: { own: own + declaredCheckpoints, peer } });
		this.markAll();
	}

	/** As an administrator does while the module is stopped. */
	changeByHand(key: number, value: number): undefined {
		this.put(key, value);
		this.syncFile(key);
		this.byHand.add(key);
	}

	snapshot(): Snapshot {
		const { stable, stableChangedMs, checkpointMs, marks, quarantine, records } = this;
		return {
			stable: [...stable],
			stableChangedMs: [...stableChangedMs],
			checkpointMs,
			marks: new Set(marks),
			quarantine: [...quarantine],
			records,
		};
	}

	/** The disk is put back in time. */
	restore(old: Snapshot): undefined {
		this.memory = [...old.stable];
		this.changedMs = [...old.stableChangedMs];
		this.checkpointMs = old.checkpointMs;
		this.marks = new Set(old.marks);
		this.byHand.clear();
		this.quarantine = [...old.quarantine];
		const unclean = old.records.seal === "open" && old.records.role !== null;
		this.records = { ...old.records, crashed: old.records.crashed || unclean };
		this.sync();
	}

	record(change: Partial<NodeRecords>): undefined {
		const { own } = this.records.checkpoint;
		this.records = { ...this.records, ...change };
		if (this.records.checkpoint.own !== own) this.checkpointMs = this.#clock();
	}

	/** A new line of data, once a separation (core/engine/replication.ts, Epoch). */
	mint(random: Random, force = false): undefined {
		const id = Math.floor(random.next() * 2 ** 48)
			.toString(16)
			.padStart(16, "0");
		const old = this.records.epoch;
		if (old === null) this.record({ epoch: { current: id, base: id, history: [] } });
		else if (force) {
			const history = [old.base, ...old.history].slice(0, 8);
			this.record({ epoch: { current: id, base: old.current, history } });
		} else if (old.current === old.base) this.record({ epoch: { ...old, current: id } });
	}

	/** Both nodes are about to have the same: later separations start from here. */
	shareEpoch(): undefined {
		const old = this.records.epoch;
		if (old === null || old.base === old.current) return;
		const history = [old.base, ...old.history].slice(0, 8);
		this.record({ epoch: { current: old.current, base: old.current, history } });
	}
}
