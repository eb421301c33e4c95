/** Main file of a syncer thread. */
import { workerData } from "node:worker_threads";
import { linuxSystem } from "../../platform/linux/libc.ts";
import { keepCompiled } from "../compiled.ts";
import { doJob } from "./syncerJob.ts";
import { SyncerRing } from "./syncerRing.ts";
import type { SyncerData } from "./syncerThread.ts";

const { shared, asleep, wakeFd } = workerData as SyncerData;
const ring = new SyncerRing(shared);
let isOver = false;

linuxSystem.setIoFlusher();
linuxSystem.takeShortTurns();
keepCompiled();
while (!isOver) {
	ring.serve(
		(job) => {
			if (job.do !== "end") return doJob(linuxSystem, job);
			isOver = true;
			return 0;
		},
		// A data thread that is awake looks for itself.
		() => Atomics.load(asleep, 0) === 1 && linuxSystem.wake(wakeFd),
	);
}
