/** Messages between a thread that sleeps in a poll and other threads: a port for the content, an eventfd to wake. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { poll } from "../errno.ts";
import type { ProcessCalls } from "../system.ts";
import type { DataLoop } from "./dataLoop.ts";

/** Receives, in the data thread, what others post with `postAndWake` to the other end of `port`. */
export function receive<M>(
	loop: DataLoop,
	system: ProcessCalls,
	port: MessagePort,
	wakeFd: number,
	handler: (message: M) => void,
): void {
	loop.watch(wakeFd, poll.IN, () => {
		// First reset, then read: a message posted in between wakes again.
		system.drainWake(wakeFd);
		for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
			handler(got.message as M);
		}
	});
}

/** Posts to a thread that waits with `receive`. */
export function postAndWake<M>(system: ProcessCalls, port: MessagePort, wakeFd: number, message: M): void {
	port.postMessage(message);
	system.wake(wakeFd);
}
