/** The rules that a run may be made without, to prove that their absence is found. */
import type { Rules } from "../../core/engine/contract.ts";

/** Beside the engine's own rules those that the replication process keeps. */
export interface SimulatedRules extends Rules {
	/** A mark is durable before the change is applied, not after it. */
	"mark-order": boolean;
	/** Marks go only after both disks were synced. */
	checkpoint: boolean;
	/** Each start looks for what was changed by hand. */
	walk: boolean;
}

export const allRules: SimulatedRules = {
	witness: true,
	freeze: true,
	sync: true,
	epoch: true,
	marks: true,
	uptodate: true,
	"mark-order": true,
	checkpoint: true,
	walk: true,
};
