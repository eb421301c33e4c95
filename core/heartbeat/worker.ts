/**
 * The heartbeat thread. It does nothing else and loads little, so that pulses go out soon after the daemon starts and
 * whatever the rest of the daemon does.
 */
import { parentPort } from "node:worker_threads";
import { raisePriority } from "../platform/early.ts";
import { Beat } from "./beat.ts";
import type { FromHeart, ToHeart } from "./service.ts";

raisePriority();
const beats = new Map<string, Beat>();
/** Stopped ones that still say their last word. */
const leaving = new Map<string, Beat>();
const post = (message: FromHeart) => parentPort?.postMessage(message);

function start({ module, announcement, resources }: Extract<ToHeart, { do: "start" }>): void {
	const running = beats.get(module.module);
	if (running?.isFor(module)) {
		running.announce(announcement, resources);
		running.tellAgain();
		return;
	}
	// The port must be free for the new one.
	running?.close();
	leaving.get(module.module)?.close();
	beats.set(module.module, new Beat(module, announcement, resources, post));
}

async function stop(name: string): Promise<void> {
	const beat = beats.get(name);
	if (beat === undefined) return;
	beats.delete(name);
	leaving.set(name, beat);
	await beat.stop();
	if (leaving.get(name) === beat) leaving.delete(name);
}

parentPort?.on("message", (order: ToHeart) => {
	if (order.do === "start") start(order);
	else if (order.do === "announce") beats.get(order.module)?.announce(order.announcement, order.resources);
	else if (order.do === "stop") void stop(order.module);
});
