/** Which of its addresses a machine uses for connections that it opens itself (`src` of its routes). */
import { BlockList, isIPv4 } from "node:net";
import { ip } from "./ip.ts";

/** What `ip -j route` prints, as far as it is read. */
interface Route {
	dst: string;
	gateway?: string;
	protocol?: string;
	scope?: string;
	metric?: number;
	prefsrc?: string;
	flags?: string[];
}

async function routesOf(iface: string, family: string): Promise<Route[]> {
	const routes = JSON.parse((await ip(family, "-j", "route", "show", "dev", iface)) || "[]") as Route[];
	return routes.filter((route) => route.dst !== undefined);
}

function familyOf(addr: string): "-4" | "-6" {
	return isIPv4(addr) ? "-4" : "-6";
}

/** where=one_side: the default route and the route of the network of `addr` use it as source. */
export async function preferSource(iface: string, addr: string): Promise<void> {
	const family = familyOf(addr);
	for (const route of await routesOf(iface, family)) {
		const wanted = route.dst === "default" ? route.gateway !== undefined : contains(route.dst, addr);
		if (wanted && route.prefsrc !== addr) await useSource(iface, family, route, addr);
	}
}

/**
 * Before `addr` is removed: the kernel deletes every route that prefers it, the default route too, so these get the
 * interface's own address back.
 */
export async function releaseSource(iface: string, addr: string): Promise<void> {
	const family = familyOf(addr);
	const routes = (await routesOf(iface, family)).filter((route) => route.prefsrc === addr);
	if (routes.length === 0) return;
	const links = JSON.parse(await ip(family, "-j", "addr", "show", "dev", iface)) as {
		addr_info?: { local?: string; scope?: string }[];
	}[];
	const own = links
		.flatMap((link) => link.addr_info ?? [])
		.find((info) => info.local !== undefined && info.local !== addr && info.scope === "global")?.local;
	if (own === undefined) return;
	for (const route of routes) await useSource(iface, family, route, own);
}

async function useSource(iface: string, family: string, route: Route, src: string): Promise<void> {
	const via = route.gateway === undefined ? [] : ["via", route.gateway];
	const protocol = route.protocol === undefined ? [] : ["proto", route.protocol];
	const scope = route.scope === undefined ? [] : ["scope", route.scope];
	const metric = route.metric === undefined ? [] : ["metric", String(route.metric)];
	await ip(family, "route", "replace", route.dst, ...via, "dev", iface, ...protocol, ...scope, ...metric, "src", src);
}

function contains(network: string, addr: string): boolean {
	const [base = "", prefix] = network.split("/");
	if (prefix === undefined || Number(prefix) === 0) return false;
	const kind = isIPv4(addr) ? "ipv4" : "ipv6";
	const list = new BlockList();
	try {
		list.addSubnet(base, Number(prefix), kind);
	} catch {
		return false;
	}
	return list.check(addr, kind);
}
