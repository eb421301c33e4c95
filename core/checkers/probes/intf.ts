/** intf: the interface that carries a local address is up, and the address is there (spec/02 §10). */
import type { CheckerSettings } from "../../module/settings/checkers.ts";
import type { LocalInterface } from "../../vip/addresses.ts";
import { placeOf } from "../../vip/network.ts";
import { addressOf } from "../names.ts";
import type { Probe, ProbeSystem } from "../probe.ts";

type IntfSettings = Extract<CheckerSettings, { kind: "intf" }>;

export function intfProbe(settings: IntfSettings, system: ProbeSystem): Probe {
	return async (signal) => {
		const interfaces = await system.interfaces();
		const iface = await carrier(settings, interfaces, signal);
		const what = settings.localAddr ?? `in the network of ${settings.virtual?.addr}`;
		if (iface === undefined) return { up: false, why: `no interface has an address ${what}` };
		return { up: iface.up, why: `the interface ${iface.name} is ${iface.up ? "up" : "down"}` };
	};
}

async function carrier(
	{ localAddr, virtual }: IntfSettings,
	interfaces: LocalInterface[],
	signal: AbortSignal,
): Promise<LocalInterface | undefined> {
	if (localAddr !== null) {
		const addr = await addressOf(localAddr, signal);
		return interfaces.find((each) => each.addresses.some((own) => own.addr === addr));
	}
	if (virtual === null) return undefined;
	return placeOf(await addressOf(virtual.addr, signal), virtual, interfaces)?.iface;
}
