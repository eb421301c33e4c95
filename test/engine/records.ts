/** Records of a node that was stopped cleanly, to be varied by tests. */
import type { ModeConfig } from "../../core/engine/contract.ts";
import type { NodeRecords } from "../../core/engine/replication.ts";

export function records(change: Partial<NodeRecords> = {}): NodeRecords {
	return {
		tree: "t",
		term: 5,
		epoch: { current: "e1", base: "e1", history: [] },
		role: null,
		seal: { term: 5, seq: 9 },
		alone: null,
		copying: false,
		checkpoint: { own: 3, peer: 3 },
		crashed: false,
		...change,
	};
}

export function config(change: Partial<ModeConfig> = {}): ModeConfig {
	return {
		module: "demo",
		node: "node1",
		peer: "node2",
		heartbeats: ["default"],
		timeoutMs: 3000,
		replicated: true,
		async: "second",
		lockTimeoutMs: 100_000,
		sendTimeoutMs: 30_000,
		syncDeltaMs: 0,
		syncAt: false,
		defaultprim: "alone",
		failover: true,
		maxloop: 3,
		loopIntervalMs: 86_400_000,
		automaticReboot: false,
		splitbrainPing: false,
		leaseWitness: false,
		rules: { witness: true, freeze: true, sync: true, epoch: true, marks: true, uptodate: true },
		...change,
	};
}
