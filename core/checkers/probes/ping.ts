/** ping: an address answers an echo request (spec/02 §10). */
import { addressOf } from "../names.ts";
import type { Probe, ProbeSystem } from "../probe.ts";

export function pingProbe({ addr, timeoutMs }: { addr: string; timeoutMs: number }, system: ProbeSystem): Probe {
	return async (signal) => {
		const literal = await addressOf(addr, signal);
		const up = await system.ping(literal, timeoutMs);
		return { up, why: up ? `${addr} answers` : `no answer from ${addr}` };
	};
}
