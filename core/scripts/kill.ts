/** Ends a script for good: TERM to all its processes, KILL 5 s later to whatever is left (spec/09 §4, interfaces.md). */
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessIdentity, ScriptSystem } from "./system.ts";

export const graceMs = 5000;
/** A process that waits in the kernel survives KILL until its call returns; nobody waits longer than this for it. */
const killWaitMs = 5000;
const pollMs = 100;

/**
 * Resolves to the processes that are still there, normally none. Known processes are remembered: one that left the
 * script's session and lost its parent meanwhile is still ended.
 */
export async function killScript(system: ScriptSystem, leader: ProcessIdentity): Promise<ProcessIdentity[]> {
	const known = new Map<string, ProcessIdentity>();
	const living = (): ProcessIdentity[] => {
		for (const found of system.processesOf(leader)) known.set(`${found.pid}/${found.startTime}`, found);
		return [...known.values()].filter((one) => system.isAlive(one));
	};
	const terminated = new Set<string>();
	for (let waitedMs = 0; waitedMs < graceMs; waitedMs += pollMs) {
		const left = living();
		if (left.length === 0) return [];
		for (const one of left) {
			const key = `${one.pid}/${one.startTime}`;
			if (!terminated.has(key)) system.signal(one, "SIGTERM");
			terminated.add(key);
		}
		await sleep(pollMs);
	}
	for (let waitedMs = 0; waitedMs < killWaitMs; waitedMs += pollMs) {
		const left = living();
		if (left.length === 0) return [];
		// Again and again: a process may have started another one between the look and the signal.
		for (const one of left) system.signal(one, "SIGKILL");
		await sleep(pollMs);
	}
	return living();
}
