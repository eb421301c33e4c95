/** A farm's module on one simulated server: the real place of core/node, with a simulated group and simulated addresses. */
import type { FarmModule, FarmView, FarmWish } from "../../../core/engine/farm/group.ts";
import type { FromHeart } from "../../../core/heartbeat/service.ts";
import type { ModuleConfiguration } from "../../../core/module/configuration.ts";
import { FarmPlace } from "../../../core/node/farm/place.ts";
import type { ModuleRuntime } from "../../../core/node/runtime.ts";
import type { Life } from "./clock.ts";
import type { Group, Member } from "./group.ts";

export interface FarmServer {
	name: string;
	/** All servers of the farm. */
	names: readonly string[];
	life: Life;
	group: Group;
	configuration: ModuleConfiguration;
	runtime(): ModuleRuntime;
	setAddress(set: boolean): void;
}

/** Null in other modes. */
export function simulatedFarm(server: FarmServer): FarmPlace | null {
	const { life, runtime, setAddress, configuration } = server;
	const { vip } = configuration;
	const farm = farmModule(server);
	if (farm === null) return null;
	const addresses = {
		set: async () => setAddress(true),
		unset: async () => setAddress(false),
		hear: () => {},
		share: async () => {},
		resume: async () => {},
		close: () => {},
	};
	return new FarmPlace({
		...{ farm, clock: life, heart: heartOf(server) },
		successor: null,
		scriptControl: vip?.scriptControl === true,
		rules: new Map(vip?.balancing.map(({ name, rules }) => [name, rules.length])),
		addresses: vip === null ? null : addresses,
		main: () => runtime().view().main,
		ready: () => runtime().view().status === "Ready",
		log: (level, text) => runtime().write("vipd", level, text),
		setResource: (name, value) => runtime().setResource(name, value, "vipd"),
		changed: () => runtime().touched(),
		hear: () => {},
	});
}

function farmModule({ name, names, configuration: { farm, vip, module, id } }: FarmServer): FarmModule | null {
	if (farm === null) return null;
	const { pulseMs, leaderLost, followerLost, port } = farm;
	const nodes = names.map((each) => ({ name: each, addr: each }));
	const lans = farm.lans.map((lan) => ({ name: lan, localAddr: name, nodes }));
	const groups = vip?.balancing.map((each) => ({ name: each.name, powers: each.powers })) ?? [];
	const timing = { pulseMs, leaderLost, followerLost, port };
	const virtual: string[] = [];
	return { ...timing, module, id, node: name, nodes: [...names], lans, virtual, groups, key: "" };
}

/** The server's heartbeat thread, as far as farms need it; it begins anew with every boot. */
function heartOf({ group, name, life }: FarmServer): ConstructorParameters<typeof FarmPlace>[0]["heart"] {
	let member: Member | null = null;
	let listener: ((message: FromHeart) => void) | null = null;
	let last: FarmView | null = null;
	const tell = (module: string): void => {
		const view = last;
		if (view !== null) life.after(0, () => listener?.({ is: "farm", module, view }));
	};
	return {
		farm(farm: FarmModule, wish: FarmWish) {
			const view = (said: FarmView): void => {
				last = said;
				tell(farm.module);
			};
			member = group.join({ name, life, farm, view }, wish);
		},
		// A test has one cluster.xml.
		succeed: () => undefined,
		wish: (_, wish) => member?.wish(wish),
		wishOf: () => null,
		applied: (_, version) => member?.applied(version),
		listen(module, heard) {
			listener = heard;
			tell(module);
		},
		stop() {
			[listener, last] = [null, null];
			member?.leave();
			member = null;
		},
	};
}
