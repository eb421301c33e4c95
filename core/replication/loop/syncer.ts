/** Main file of a syncer thread. */
import { type MessagePort, workerData } from "node:worker_threads";
import { linuxSystem } from "../../platform/linux/libc.ts";
import { postAndWake } from "./mailbox.ts";
import { doJob, type SyncerJob } from "./syncerJob.ts";

const { port, wakeFd } = workerData as { port: MessagePort; wakeFd: number };

port.on("message", ({ id, job }: { id: number; job: SyncerJob }) => {
	postAndWake(linuxSystem, port, wakeFd, { id, result: doJob(linuxSystem, job) });
});
