/** Farms that would answer nobody, or restart an application for what happens elsewhere (spec/02 §5). */
import { isIP } from "node:net";
import type { Cluster } from "../../cluster/cluster.ts";
import { nodeNames } from "../../cluster/self.ts";
import { descendants, numberOf, textOf } from "../../schema/access.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { CheckedElement } from "../../schema/validate.ts";

/** `cluster` undefined: only the package is at hand. */
export function farmAdvice(read: Userconfig, cluster: Cluster | undefined): void {
	const interfaces = descendants(read.service, "vip", "interface_list", "interface");
	const addresses = interfaces.flatMap((each) => [
		...descendants(each, "virtual_interface", "virtual_addr"),
		...descendants(each, "real_interface", "virtual_addr"),
	]);
	const groups = descendants(read.service, "vip", "loadbalancing_list", "group");
	for (const address of addresses) unnamed(address, groups, read);
	for (const group of groups) powerless(group, cluster, read);
	for (const tcp of descendants(read.service, "check", "tcp")) elsewhere(tcp, addresses, read);
}

/** What no rule names is closed; rules for arp only say who answers for the address. */
function unnamed(address: CheckedElement, groups: readonly CheckedElement[], read: Userconfig): void {
	const addr = textOf(address, "addr");
	if (addr === null) return;
	const isNamed = groups
		.flatMap((group) => descendants(group, "rule"))
		.some((rule) => textOf(rule, "proto") !== "arp" && [addr, "*", null].includes(textOf(rule, "virtual_addr")));
	if (isNamed) return;
	read.report.add("CONFIG_ADDRESS", `no rule names ${addr}: it answers no client`, address.xml, {
		...{ severity: "warning", attribute: "addr", found: addr },
		expected: '<rule port="80" proto="tcp" filter="on_addr"/> in a <group> of <loadbalancing_list>',
		remedy: "Add a rule with the port of the application. Ports that no rule names are closed.",
	});
}

/** A server that is not named has power 1. */
function powerless(group: CheckedElement, cluster: Cluster | undefined, read: Userconfig): void {
	const hosts = descendants(group, "cluster", "host");
	if (hosts.length === 0 || hosts.some((host) => numberOf(host, "power") !== 0)) return;
	const named = hosts.map((host) => textOf(host, "name"));
	if (cluster !== undefined && nodeNames(cluster).some((node) => !named.includes(node))) return;
	const name = textOf(group, "name") ?? "";
	read.report.add("CONFIG_VALUE", `every server of the group ${name} has power 0: nobody answers`, group.xml, {
		...{ severity: "warning", attribute: "name", found: name, expected: "a power above 0" },
		remedy: "Give a power above 0 to the servers that clients are to meet.",
	});
}

/** The same address is tested from all servers, so it is none of their own: all would restart for one. */
function elsewhere(tcp: CheckedElement, addresses: readonly CheckedElement[], read: Userconfig): void {
	if ((textOf(tcp, "action") ?? "restart") !== "restart") return;
	for (const to of descendants(tcp, "to")) {
		const addr = textOf(to, "addr");
		if (addr === null || isIP(addr) === 0 || isLocal(addr)) continue;
		if (addresses.some((each) => [addr, null].includes(textOf(each, "addr")))) continue;
		const message = `${addr} is no virtual address of the module: every server restarts its application when it is silent`;
		read.report.add("CONFIG_ADDRESS", message, to.xml, {
			...{ severity: "warning", attribute: "addr", found: addr, expected: "a virtual address, or 127.0.0.1" },
			remedy: 'Test the application of the server itself; for what lies elsewhere write when="pre" and action="wait".',
		});
	}
}

function isLocal(addr: string): boolean {
	return /^127\.|^(::1|::|0\.0\.0\.0)$/.test(addr);
}
