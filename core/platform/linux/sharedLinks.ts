/** Interfaces under a MAC address that several nodes share: a private macvlan each. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { SharedLink } from "../../vip/addresses.ts";
import { ip } from "./ip.ts";

/**
 * Of the new interface alone, before it comes up. Answers leave by the interface below, so a strict look at the way back
 * would drop what comes in. Every node has the same address: it is no duplicate.
 */
const settings: readonly [path: string, value: string][] = [
	["ipv4/conf/LINK/rp_filter", "2"],
	["ipv6/conf/LINK/accept_ra", "0"],
	["ipv6/conf/LINK/autoconf", "0"],
	["ipv6/conf/LINK/accept_dad", "0"],
];

export async function addSharedLink(link: SharedLink): Promise<void> {
	if (await isAsWanted(link)) return;
	await removeSharedLink(link.name);
	const { name, parent, mac } = link;
	await ip("link", "add", name, "link", parent, "address", mac, "type", "macvlan", "mode", "private");
	for (const [path, value] of settings) {
		const file = `/proc/sys/net/${path.replace("LINK", name)}`;
		// Without IPv6 half of them do not exist.
		if (existsSync(file)) await writeFile(file, value);
	}
	if (existsSync(`/proc/sys/net/ipv6/conf/${name}`)) await ip("link", "set", name, "addrgenmode", "none");
}

async function isAsWanted({ name, parent, mac }: SharedLink): Promise<boolean> {
	try {
		const own = JSON.parse(await ip("-j", "-d", "link", "show", "dev", name)) as {
			address?: string;
			link?: string;
			linkinfo?: { info_kind?: string; info_data?: { mode?: string } };
		}[];
		const [found] = own;
		const { info_kind: kind, info_data: data } = found?.linkinfo ?? {};
		return found?.address === mac && found.link === parent && kind === "macvlan" && data?.mode === "private";
	} catch {
		return false;
	}
}

export async function raiseSharedLink(name: string): Promise<void> {
	await ip("link", "set", name, "up");
}

export async function removeSharedLink(name: string): Promise<void> {
	try {
		await ip("link", "del", name);
	} catch (error) {
		if (!/Cannot find device|No such device/.test(String(error))) throw error;
	}
}
