/** The two servers on which a module is tried: with the networks, addresses and directories that it names. */

import { readFile, writeFile } from "node:fs/promises";
import { isIP, isIPv4 } from "node:net";
import { join } from "node:path";
import { SafekitError } from "../../core/errors.ts";
import { userconfigName } from "../../core/module/inspect.ts";
import { inNetwork } from "../../core/vip/network.ts";
import type { Lab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { Pair } from "../lab/pair.ts";
import type { TriedModule } from "./module.ts";

/** Last part of the virtual address that the trial gives. */
const virtualHost = 100;

export function makePair(module: TriedModule, opened: (lab: Lab) => void): Promise<Pair> {
	const { rfs, heart, farm } = module.configuration;
	const lans = [...new Set(heart?.heartbeats.map(({ lan }) => lan) ?? farm?.lans ?? [])];
	if (lans.length > 2)
		throw new SafekitError("LAB_FAILED", `${module.name} has ${lans.length} networks; the lab has two`);
	// A server that boots again has the units that were made on it.
	const keep = [
		...(rfs?.directories.map(({ dir }) => dir) ?? []),
		...(module.needsSystemd ? ["/etc/systemd/system"] : []),
	];
	const init = module.needsSystemd ? ("systemd" as const) : ("tiny" as const);
	return Pair.make(module.name, { lans: lans.length === 0 ? ["default"] : lans, node: () => ({ keep, init }) }, opened);
}

/** Installs and configures the module on one server; what `config` and the module's scripts said comes back. */
export async function installOn(node: LabNode, pair: Pair, module: TriedModule): Promise<string> {
	await joinNetworks(node, pair, module);
	return pair.install(node, module.write, async () => {
		const file = join(node.disk("/opt/safekit"), "modules", module.name, userconfigName);
		const text = await readFile(file, "utf8");
		await writeFile(file, module.fill(text, pair.lab.address(virtualHost)));
	});
}

/** A virtual address needs a server with an address in its network: the author's is not the lab's. */
export async function joinNetworks(node: LabNode, pair: Pair, { configuration }: TriedModule): Promise<void> {
	for (const { addr, interface: name } of configuration.vip?.addresses ?? []) {
		if (isIP(addr) === 0 || inNetwork(addr, pair.lab.address(0), 24)) continue;
		const own = neighbour(addr, node.host);
		const prefix = isIPv4(addr) ? 24 : 64;
		await node.run(`ip addr replace ${own}/${prefix} dev ${name ?? "eth0"} ${isIPv4(addr) ? "" : "nodad"}`);
	}
}

/** Another address of the same network. */
function neighbour(addr: string, host: number): string {
	if (!isIPv4(addr)) return `${new URL(`http://[${addr}]/`).hostname.slice(1, -1).split("::")[0]}::fe:${host}`;
	const parts = addr.split(".").map(Number);
	const last = 250 + host === parts[3] ? 240 + host : 250 + host;
	return [...parts.slice(0, 3), last].join(".");
}
