/** Starting a syncer thread. */
import { Worker } from "node:worker_threads";

/** What a thread shares with the data thread. */
export interface SyncerData {
	shared: SharedArrayBuffer;
	/** See DataLoop. */
	asleep: Int32Array;
	wakeFd: number;
}

export type StartSyncer = (data: SyncerData) => void;

/**
 * A thread that ends leaves something behind until its owner's event loop turns, which that of the data thread never
 * does: there the main thread starts it.
 */
export function startSyncer(data: SyncerData): Worker {
	return new Worker(new URL("./syncer.ts", import.meta.url), {
		workerData: data,
		execArgv: [],
		resourceLimits: { maxYoungGenerationSizeMb: 2 },
	});
}
