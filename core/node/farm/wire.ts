/** Puts the place of a farm's module together with this server's heartbeat thread and addresses. */
import { join } from "node:path";
import type { FarmModule } from "../../engine/farm/group.ts";
import { systemClock } from "../../log/clock.ts";
import type { ModuleConfiguration } from "../../module/configuration.ts";
import type { Paths } from "../../module/paths.ts";
import { platform } from "../../platform/index.ts";
import { FarmAddresses } from "../../vip/farm/service.ts";
import { hear } from "../hear.ts";
import type { HeartLink } from "../heart.ts";
import type { ClusterView } from "../membership.ts";
import type { ModuleRuntime } from "../runtime.ts";
import { FarmPlace } from "./place.ts";

/** Null in other modes. */
export async function farmPlace(
	paths: Paths,
	cluster: ClusterView,
	heart: HeartLink,
	configuration: ModuleConfiguration,
	runtime: () => ModuleRuntime,
): Promise<FarmPlace | null> {
	const { module, vip } = configuration;
	const now = await cluster.farmOf(configuration);
	if (now === null) return null;
	const before = heart.farmOf(module);
	const isOld = before !== null && isOlder(before, now);
	const farm = isOld ? before : now;
	const record = join(paths.run, `vip-${module}.json`);
	const log = (level: "E" | "I" | "W", text: string): void => runtime().write("vipplug", level, text);
	const system = platform().addresses;
	return new FarmPlace({
		farm,
		successor: isOld ? now : null,
		scriptControl: vip?.scriptControl === true,
		rules: new Map(vip?.balancing.map(({ name, rules }) => [name, rules.length])),
		addresses: vip === null ? null : new FarmAddresses({ farm, vip, system, record, log }),
		heart,
		clock: systemClock,
		main: () => runtime().view().main,
		ready: () => runtime().view().status === "Ready",
		log: (level, text) => runtime().write("vipd", level, text),
		setResource: (name, value) => runtime().setResource(name, value, "vipd"),
		changed: () => runtime().touched(),
		hear: (message) => hear(runtime(), message),
	});
}

/** A farm runs on as it was started when its daemon is started again: is it the same one, by another cluster.xml or key? */
function isOlder(before: FarmModule, now: FarmModule): boolean {
	const { node, nodes, lans, key } = now;
	const same =
		JSON.stringify({ ...before, node, nodes, lans, key }) === JSON.stringify({ ...now, node, nodes, lans, key });
	return same && JSON.stringify(before) !== JSON.stringify(now);
}
