/** The disk of a node: what was synced survives a power loss, of the rest only what happened to be written. */
import type { NodeRecords } from "../../core/engine/replication.ts";
import type { Random } from "./random.ts";

/** How many files the simulated application writes. A value is the number of the operation that wrote it; 0: none. */
export const keyCount = 6;

export class Disk {
	/** What the page cache shows, and what a power loss leaves. */
	memory: number[] = new Array(keyCount).fill(0);
	stable: number[] = new Array(keyCount).fill(0);
	/** Marks and records are durable the moment they are written. */
	readonly marks = new Set<number>();
	quarantine: number[] = [];
	records: NodeRecords;

	constructor(tree: string) {
		this.records = {
			tree,
			term: 0,
			epoch: null,
			role: null,
			seal: { term: 0, seq: 0 },
			alone: null,
			copying: false,
			checkpoint: { own: 0, peer: 0 },
			crashed: false,
		};
	}

	sync(): undefined {
		this.stable = [...this.memory];
	}

	powerLoss(random: Random): undefined {
		this.memory = this.memory.map((value, key) => (random.chance(0.3) ? value : (this.stable[key] as number)));
		this.stable = [...this.memory];
	}

	record(change: Partial<NodeRecords>): undefined {
		this.records = { ...this.records, ...change };
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
