/**
 * Marks of one node (replication.md §5.4): durable before the change that they cover is applied, and completed at each
 * start by a walk over what was changed by hand while nobody looked.
 */
import type { Replica } from "./replica.ts";

const again = 60;

export class Marks {
	readonly #replica: Replica;
	/** The walk of this incarnation has ended. */
	walked = true;

	constructor(replica: Replica) {
		this.#replica = replica;
	}

	/** Calls `apply` as soon as the mark of a file may be relied upon: a mark has to reach the disk first. */
	cover(key: number, apply: () => void): undefined {
		const { world, disk } = this.#replica;
		if (!world.rules.marks) return void apply();
		if (world.plain) disk.marks.add(key);
		if (disk.marks.has(key)) return void apply();
		const write = (then: () => void): undefined =>
			this.#replica.after(this.#writeMs(), () => {
				disk.marks.add(key);
				then();
			});
		if (world.rules["mark-order"]) return write(apply);
		apply();
		write(() => {});
	}

	/** From a change that has to wait: asked again in a moment. */
	later(attempt: () => void): undefined {
		this.#replica.after(again, attempt);
	}

	/** The mount was away: everything that was changed since the last checkpoint is marked, by the time of its change. */
	walk(): undefined {
		const { world, disk } = this.#replica;
		if (world.plain) return;
		this.walked = false;
		this.#replica.after(world.extra.between(20, 3000), () => {
			this.walked = true;
			disk.byHand.clear();
			if (!world.rules.walk) return;
			for (const [key, changedMs] of disk.changedMs.entries()) {
				if (changedMs < disk.checkpointMs) continue;
				disk.marks.add(key);
				this.#replica.source?.found(key);
				this.#replica.peer.source?.found(key);
			}
		});
	}

	/** Both disks have outlived them; marks that are still needed stay. */
	trim(needed: (key: number) => boolean): undefined {
		const { marks } = this.#replica.disk;
		for (const key of [...marks]) if (!needed(key)) marks.delete(key);
	}

	#writeMs(): number {
		const { world, host } = this.#replica;
		return host.slowDiskUntilMs > world.nowMs ? world.extra.between(100, 900) : world.extra.between(1, 12);
	}
}
