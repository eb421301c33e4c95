/** The resources that a module has from the beginning (spec/01 §2.1), and those that it has no more. */
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { ModuleRuntime, TakenUp } from "./runtime.ts";

type Described = Pick<ModuleRuntime, "configuration" | "resources">;

/** Settings as the configuration has them. `boot`: the flag of `safekit boot on|off`, for boot="ignore". */
export function settingsOf(
	{ failover, boot, encryption }: ModuleConfiguration,
	bootFlag: boolean,
): [name: string, value: string][] {
	return [
		["usersetting.errd", "on"],
		["usersetting.checker", "on"],
		["usersetting.failover", failover ? "on" : "off"],
		["usersetting.encryption", encryption === false ? "off" : "on"],
		["usersetting.boot", boot === "ignore" ? (bootFlag ? "on" : "off") : boot],
	];
}

/** Settings that only a configuration, or a command of its own, can change. */
const fixed = ["usersetting.encryption", "usersetting.boot"];

/** A module shows its settings from the beginning; what was switched stays. */
export function describeSettings({ configuration, resources }: Described, bootFlag: boolean): void {
	for (const [name, value] of settingsOf(configuration, bootFlag)) {
		const now = resources.get(name);
		if (now === undefined || (fixed.includes(name) && now.value !== value)) resources.set(name, value, "config");
	}
}

/** After the module was taken up: what no event has said yet. What an earlier run of the system knew is over. */
export function describeState(runtime: Described & Pick<ModuleRuntime, "view">, taken: TakenUp, wallMs: number): void {
	const { configuration, resources } = runtime;
	const { main, status, peer } = runtime.view();
	const set = (name: string, value: string): void => void resources.set(name, value, "heart");
	const begin = (name: string, value: string): void => {
		if (resources.get(name) === undefined) set(name, value);
	};
	set("state.local", `${main} ${status}`);
	begin("heart.stopstartloop", String(Math.floor(wallMs / 1000)));
	if (configuration.mode === "mirror") set("state.remote", `${peer.state} ${peer.status}`);
	for (const { ident } of configuration.heart?.heartbeats ?? []) {
		if (taken === "resumed") begin(`heartbeat.${ident}`, "down");
		else set(`heartbeat.${ident}`, "down");
	}
	if (configuration.rfs === null) return;
	begin("rfs.uptodate", "down");
	begin("rfs.degraded", "down");
	begin("rfs.reintegre_failed", "false");
}

/** Classes whose resources come from the configuration alone; scripts may set those of other classes as they like. */
const configured = /^(tcp|ping|intf|ip|module|proc|heartbeat|connections)\./;

/** A resource that nobody keeps up to date any more would be looked at by rules for ever. */
export function forgetResources({ configuration, resources }: Described): void {
	const { checkers, errd, heart, vip } = configuration;
	const known = new Set([
		...checkers.map(({ resource }) => resource),
		...(errd?.procs.map(({ resource }) => resource) ?? []),
		...(heart?.heartbeats.map(({ ident }) => `heartbeat.${ident}`) ?? []),
		...(vip?.addresses.filter(({ connections }) => connections).map(({ addr }) => `connections.${addr}`) ?? []),
	]);
	for (const name of [...resources.names()]) {
		if (configured.test(name) && !known.has(name)) resources.forget(name);
	}
}
