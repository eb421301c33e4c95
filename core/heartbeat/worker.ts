/**
 * The heartbeat thread. It does nothing else and loads little, so that pulses go out soon after the daemon starts and
 * whatever the rest of the daemon does.
 */
import { networkInterfaces } from "node:os";
import { parentPort } from "node:worker_threads";
import { raisePriority, tentativeInterfaces } from "../platform/early.ts";
import { Beat } from "./beat.ts";
import { FarmBeat } from "./farm.ts";
import type { FromHeart, ToHeart } from "./service.ts";

raisePriority();
const beats = new Map<string, Beat | FarmBeat>();
/** Stopped ones that still say their last word. */
const leaving = new Map<string, Beat | FarmBeat>();
const post = (message: FromHeart) => parentPort?.postMessage(message);

function start({ module, announcement, resources }: Extract<ToHeart, { do: "start" }>): void {
	const running = beats.get(module.module);
	if (running instanceof Beat && running.isFor(module)) {
		running.announce(announcement, resources);
		running.tellAgain();
		return;
	}
	replace(module.module, () => new Beat(module, announcement, resources, post));
}

function farm({ module, wish, held, successors }: Extract<ToHeart, { do: "farm" }>): void {
	const running = beats.get(module.module);
	if (running instanceof FarmBeat && running.isFor(module)) {
		running.wish(wish);
		running.follow(successors);
		running.tellAgain();
		return;
	}
	try {
		replace(module.module, () => new FarmBeat(module, wish, held, post, { networkInterfaces, tentativeInterfaces }));
		ofFarm(module.module)?.follow(successors);
	} catch (error) {
		// Heartbeats of other modules do not end with it.
		post({ is: "failed", module: module.module, why: String(error) });
	}
}

/** The port must be free for the new one. */
function replace(name: string, make: () => Beat | FarmBeat): void {
	beats.get(name)?.close();
	leaving.get(name)?.close();
	beats.set(name, make());
}

async function stop(name: string): Promise<void> {
	const beat = beats.get(name);
	if (beat === undefined) return;
	beats.delete(name);
	leaving.set(name, beat);
	await beat.stop();
	if (leaving.get(name) === beat) leaving.delete(name);
}

function ofFarm(name: string): FarmBeat | null {
	const beat = beats.get(name);
	return beat instanceof FarmBeat ? beat : null;
}

function ofMirror(name: string): Beat | null {
	const beat = beats.get(name);
	return beat instanceof Beat ? beat : null;
}

parentPort?.on("message", (order: ToHeart) => {
	switch (order.do) {
		case "start":
			return start(order);
		case "announce":
			return ofMirror(order.module)?.announce(order.announcement, order.resources);
		case "farm":
			return farm(order);
		case "wish":
			return ofFarm(order.module)?.wish(order.wish);
		case "applied":
			return ofFarm(order.module)?.applied(order.version);
		case "stop":
			return void stop(order.module);
	}
});
