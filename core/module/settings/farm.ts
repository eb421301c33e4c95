/** `<farm>` and the load balancing of `<vip>`: what their declarations cannot say (spec/02 §4, §5). */
import { descendants, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";

/** Adds what contradicts itself to the report. */
export function checkFarm(service: CheckedElement, report: Report): void {
	for (const lan of descendants(service, "farm", "lan")) checkLan(lan, report);
	const interfaces = descendants(service, "vip", "interface_list", "interface");
	const shared = interfaces.flatMap((each) => descendants(each, "virtual_interface"));
	const addresses = interfaces.flatMap((each) => [
		...descendants(each, "virtual_interface", "virtual_addr"),
		...descendants(each, "real_interface", "virtual_addr"),
	]);
	checkAddresses(addresses, report);
	const directed = shared.some((each) => textOf(each, "type") === "vmac_directed");
	for (const rule of descendants(service, "vip", "loadbalancing_list", "group", "rule")) {
		checkRule(rule, addresses, directed, report);
	}
}

/** A lan has a name; before 7.2 it had the nodes and their addresses instead. */
function checkLan(lan: CheckedElement, report: Report): void {
	const named = lan.written.some(({ name }) => name === "name");
	const legacy = lan.children.length > 0;
	if (!named && !legacy) {
		const details = { attribute: "name", expected: "a lan of cluster.xml" };
		report.add("CONFIG_MISSING", "the attribute name is missing", lan.xml, details);
	} else if (named && legacy) {
		report.add("CONFIG_REPEATED", "a lan has a name or <node> elements, not both", lan.xml, {
			remedy: "Remove the <node> elements.",
		});
	}
}

function checkAddresses(addresses: readonly CheckedElement[], report: Report): void {
	const seen = new Set<string>();
	for (const element of addresses) {
		const addr = textOf(element, "addr");
		if (addr === null) continue;
		if (seen.has(addr)) {
			const details = { attribute: "addr", found: addr };
			report.add("CONFIG_REPEATED", `the address ${addr} stands twice`, element.xml, details);
		}
		seen.add(addr);
	}
}

function checkRule(
	rule: CheckedElement,
	addresses: readonly CheckedElement[],
	directed: boolean,
	report: Report,
): void {
	const [proto, filter, address] = ["proto", "filter", "virtual_addr"].map((name) => textOf(rule, name));
	const refuse = (attribute: string, found: string, message: string, expected: string): void =>
		report.add("CONFIG_VALUE", message, rule.xml, { attribute, found, expected });
	if (proto === "arp" && filter !== "on_addr") {
		refuse("filter", filter ?? "", "a rule for arp shares clients out by their address", "on_addr");
	}
	if (proto === "arp" && !directed) {
		refuse("proto", "arp", "a rule for arp needs a virtual interface of type vmac_directed", "tcp, udp");
	}
	if (filter === "on_ipid" && proto !== null && proto !== "udp") {
		refuse("filter", "on_ipid", `the filter on_ipid is for udp, not for ${proto}`, "on_addr, on_port");
	}
	const known = addresses.map((each) => textOf(each, "addr")).filter((each) => each !== null);
	if (address === null || address === "*" || address === undefined || known.includes(address)) return;
	// A blank address may become the one that is meant.
	if (known.length < addresses.length) return;
	refuse("virtual_addr", address, `no <virtual_addr> has the address ${address}`, ["*", ...known].join(", "));
}
