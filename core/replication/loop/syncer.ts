/** Main file of a syncer thread. */
import { workerData } from "node:worker_threads";
import { linuxSystem } from "../../platform/linux/libc.ts";
import { keepCompiled } from "../compiled.ts";
import { doJob } from "./syncerJob.ts";
import { SyncerRing } from "./syncerRing.ts";

const { shared, asleep, wakeFd } = workerData as { shared: SharedArrayBuffer; asleep: Int32Array; wakeFd: number };
const ring = new SyncerRing(shared);

linuxSystem.takeShortTurns();
keepCompiled();
// Ended by its owner.
for (;;) {
	ring.serve(
		(job) => doJob(linuxSystem, job),
		// A data thread that is awake looks for itself.
		() => Atomics.load(asleep, 0) === 1 && linuxSystem.wake(wakeFd),
	);
}
