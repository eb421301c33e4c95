/** Listens where the other server would: when do pulses come? In a thread of its own that runs before all others. */
import { createSocket } from "node:dgram";
import { parentPort, workerData } from "node:worker_threads";
import { raisePriority } from "../../../core/platform/early.ts";

raisePriority();
const { address, port } = workerData as { address: string; port: number };
const gaps: number[] = [];
let last: number | null = null;
const socket = createSocket("udp4").bind(port, address);
socket.on("message", () => {
	const now = performance.now();
	if (last !== null) gaps.push(now - last);
	last = now;
});
// Asked: the gaps since it was asked before.
parentPort?.on("message", () => parentPort?.postMessage(gaps.splice(0)));
