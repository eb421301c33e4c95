/**
 * ip: a virtual address is still set here (spec/02 §10). Another machine that answers for it too is told and changes
 * nothing: both would give way, and nobody would serve.
 */
import type { Clock } from "../../engine/clock.ts";
import { addressOf } from "../names.ts";
import type { Probe, ProbeSystem } from "../probe.ts";

/** How long another machine has to answer, and how often it is asked: every question reaches the whole network. */
const [conflictMs, conflictEveryMs] = [200, 60_000];

export function ipProbe({ addr }: { addr: string }, system: ProbeSystem, clock: Clock): Probe {
	let askedMs = Number.NEGATIVE_INFINITY;
	let warning: string | undefined;
	return async (signal) => {
		const literal = await addressOf(addr, signal);
		const interfaces = await system.interfaces();
		const iface = interfaces.find((each) => each.addresses.some((own) => own.addr === literal));
		if (iface === undefined) return { up: false, why: `the address ${addr} is not set on this server any more` };
		if (clock.nowMs() - askedMs >= conflictEveryMs) {
			askedMs = clock.nowMs();
			const mac = await system.whoHas(iface, literal, conflictMs).catch(() => null);
			warning = mac === null ? undefined : `Virtual IP ${addr} is also used by ${mac}`;
		}
		return { up: true, why: `${addr} is set on ${iface.name}`, ...(warning === undefined ? {} : { warning }) };
	};
}
