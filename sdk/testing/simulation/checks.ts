/** What the checkers of userconfig.xml find on a simulated server: the real ones, asking the scripted world. */
import type { Probe, Verdict } from "../../../core/checkers/probe.ts";
import { type Test, testOf } from "../../../core/checkers/probes/index.ts";
import type { Clock } from "../../../core/engine/clock.ts";
import type { CheckerSettings } from "../../../core/module/settings/checkers.ts";
import { never, refused } from "../scripted/things.ts";
import type { ScriptedWorld } from "../scripted/world.ts";

export interface Checked {
	clock: Clock;
	/** What the test says of this server, and of both. */
	worlds: readonly [ScriptedWorld, ScriptedWorld];
	/** The virtual addresses are set here. */
	hasAddress(): boolean;
}

/** As the real one repeats it, with the scripted world in place of the network. */
export function scriptedTest(settings: CheckerSettings, checked: Checked): Test | null {
	const test = testOf(settings, noSystem, checked.clock);
	const probe = probeOf(settings, checked);
	return test === null || probe === null ? null : { ...test, probe };
}

function probeOf(settings: CheckerSettings, checked: Checked): Probe | null {
	switch (settings.kind) {
		case "tcp":
			return (signal) => tcp(`${settings.addr}:${settings.port}`, checked, signal);
		case "ping":
			return async () => answers(settings.addr, checked);
		case "module":
			return async () => answers(settings.addr, checked);
		case "intf":
			return async () => answers(settings.localAddr ?? settings.virtual?.addr ?? settings.ident, checked);
		case "ip":
			return async () => ({
				up: checked.hasAddress() && isThere(settings.addr, checked),
				why: checked.hasAddress() ? "the address is set" : "the address is not set on this server",
			});
		default:
			return null;
	}
}

/** An address of the scripted world answers. */
export function isThere(name: string, { worlds }: Checked): boolean {
	for (const world of worlds) if (world.address(name).behaviour.take() === never) return false;
	return true;
}

function answers(name: string, checked: Checked): Verdict {
	const up = isThere(name, checked);
	return { up, why: up ? `${name} answers` : `no answer from ${name}` };
}

async function tcp(place: string, { worlds }: Checked, signal: AbortSignal): Promise<Verdict> {
	const given = worlds.map((world) => world.tcp(place as `${string}:${number}`).behaviour.take()).find(Boolean);
	if (given === refused) return { up: false, why: `connect ECONNREFUSED ${place}` };
	if (given !== never) return { up: true, why: `${place} answers` };
	if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
	return { up: false, why: `no answer from ${place}` };
}

const nobody = (): never => {
	throw new Error("a simulated server has no network of its own");
};
/** Only the times of the real tests are used. */
const noSystem = { ping: nobody, interfaces: nobody, whoHas: nobody };
