/** What is done to the disks of a run from outside: put back in time, or changed by hand. */
import { keyCount, type Snapshot } from "./disk.ts";
import type { Oracle } from "./oracle.ts";
import type { Replica } from "./replica.ts";

interface Kept {
	disk: Snapshot;
	declared: number;
}

const keptAtMost = 12;

export class Disks {
	readonly #replicas: readonly [Replica, Replica];
	readonly #oracle: Oracle;
	readonly #kept: [Kept[], Kept[]] = [[], []];
	/** One of them at most: with both put back a person decides, and anything may be gone. */
	#done = false;

	constructor(replicas: readonly [Replica, Replica], oracle: Oracle) {
		this.#replicas = replicas;
		this.#oracle = oracle;
	}

	/** Somebody takes a snapshot now and then. */
	keep(): undefined {
		for (const { index, disk } of this.#replicas) {
			if (disk.records.epoch === null || disk.records.copying) continue;
			const kept = this.#kept[index];
			kept.push({ disk: disk.snapshot(), declared: this.#oracle.declaredBy(index) });
			if (kept.length > keptAtMost) kept.splice(1, 1);
		}
	}

	/**
	 * The disk of a node without power becomes an older one, from before a checkpoint that the other node remembers. A
	 * younger one nobody can tell from a disk that lost what was not synced; it would be a second failure.
	 */
	rollBack(replica: Replica): undefined {
		const remembered = replica.peer.records.checkpoint.peer;
		const older = this.#kept[replica.index].filter(({ disk }) => disk.records.checkpoint.own < remembered);
		const chosen = older[replica.world.extra.between(0, older.length - 1)];
		if (this.#done || chosen === undefined) return;
		this.#done = true;
		replica.world.log(`== ${replica.host.name}: the disk is one of checkpoint ${chosen.disk.records.checkpoint.own}`);
		replica.disk.restore(chosen.disk);
		this.#oracle.rolledBack(replica, chosen.disk, chosen.declared);
	}

	/** Only where nothing is mounted over it. */
	changeByHand(replica: Replica, key: number): undefined {
		if (!replica.host.powered || replica.incarnation !== 0 || key >= keyCount) return;
		const value = this.#oracle.nextValue(replica.disk.memory[key] as number);
		replica.world.log(`== ${replica.host.name}: file ${key} becomes ${value} by hand`);
		replica.disk.changeByHand(key, value);
	}
}
