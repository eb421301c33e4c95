/** `<farm>` and the load balancing of `<vip>`: as the services read them, and what they may not say (spec/02 §4, §5). */
import { child, descendants, numberOf, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { BalancingGroup, BalancingRule, FarmConfiguration } from "../configuration.ts";

/** The lan of a `<lan>` that names its nodes by address (before 7.2), unless cluster.xml is known and has them. */
const legacyLan = "default";
/** One lost pulse is an ordinary thing; and who is silent for so long is gone. */
const [leastLost, longestLossMs] = [2, 600_000];

export function farmSettings(farm: CheckedElement, defaultPort: number, report: Report): FarmConfiguration {
	const pulseMs = numberOf(farm, "pulse") ?? 100;
	const lost = (name: string, usual: number): number => {
		const count = numberOf(farm, name) ?? usual;
		if (count >= leastLost && count * pulseMs <= longestLossMs) return count;
		report.add("CONFIG_VALUE", `${count} lost pulses of ${pulseMs} ms do not say that a server is gone`, farm.xml, {
			attribute: name,
			found: String(count),
			expected: `${leastLost} to ${Math.max(leastLost, Math.floor(longestLossMs / pulseMs))}`,
		});
		return usual;
	};
	return {
		port: numberOf(farm, "port") ?? defaultPort,
		pulseMs,
		leaderLost: lost("mlost_count", 20),
		followerLost: lost("slost_count", 10),
		lans: lansOf(farm, report),
	};
}

/** A lan has a name; before 7.2 it had the nodes and their addresses instead. */
function lansOf(farm: CheckedElement, report: Report): string[] {
	const found: string[] = [];
	for (const lan of descendants(farm, "lan")) {
		const named = lan.written.some(({ name }) => name === "name");
		const legacy = lan.children.length > 0;
		const name = textOf(lan, "name") ?? legacyLan;
		if (!named && !legacy) {
			const details = { attribute: "name", expected: "a lan of cluster.xml" };
			report.add("CONFIG_MISSING", "the attribute name is missing", lan.xml, details);
		} else if (named && legacy) {
			report.add("CONFIG_REPEATED", "a lan has a name or <node> elements, not both", lan.xml, {
				remedy: "Remove the <node> elements.",
			});
		} else if (found.includes(name) && named) {
			report.add("CONFIG_REPEATED", `the lan ${name} stands twice`, lan.xml, { attribute: "name", found: name });
		}
		found.push(name);
	}
	return found;
}

/** `<loadbalancing_list>`; empty where there is none: then the addresses answer nobody. */
export function balancingSettings(vip: CheckedElement, report: Report): BalancingGroup[] {
	const interfaces = descendants(vip, "interface_list", "interface");
	const shared = interfaces.flatMap((each) => descendants(each, "virtual_interface"));
	const addresses = interfaces.flatMap((each) => [
		...descendants(each, "virtual_interface", "virtual_addr"),
		...descendants(each, "real_interface", "virtual_addr"),
	]);
	const directed = shared.some((each) => textOf(each, "type") === "vmac_directed");
	return descendants(vip, "loadbalancing_list", "group").map((group) => ({
		name: textOf(group, "name") ?? "",
		powers: powersOf(group),
		rules: descendants(group, "rule").map((rule) => {
			checkRule(rule, addresses, directed, report);
			return ruleOf(rule);
		}),
	}));
}

function powersOf(group: CheckedElement): Record<string, number> {
	const cluster = child(group, "cluster");
	const hosts = cluster === undefined ? [] : descendants(cluster, "host");
	return Object.fromEntries(hosts.map((host) => [textOf(host, "name") ?? "", numberOf(host, "power") ?? 1]));
}

function ruleOf(rule: CheckedElement): BalancingRule {
	const address = textOf(rule, "virtual_addr") ?? "*";
	return {
		virtualAddr: address === "*" ? null : address,
		port: numberOf(rule, "port"),
		proto: (textOf(rule, "proto") ?? "tcp") as BalancingRule["proto"],
		filter: (textOf(rule, "filter") ?? "on_addr") as BalancingRule["filter"],
	};
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
