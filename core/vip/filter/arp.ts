/** Who is told which MAC address (IPv4), without touching settings of the machine. Pure. */
import { type FilterPlan, familyOf } from "./plan.ts";
import { type Chain, listOf, type Table } from "./text.ts";

/**
 * A server answers for each of its addresses on every interface. Here: for a virtual address only where it belongs, and
 * there for nothing else. And its questions for others name its own address, or clients would take it for the address's
 * only owner.
 */
export function arpTable({ table, addresses, senders }: FilterPlan): Table {
	const four = addresses.filter(({ addr }) => familyOf(addr) === 4);
	const asked: Chain = { name: "asked", hook: "type filter hook input priority 0; policy accept;", rules: [] };
	const links = new Set(addresses.flatMap(({ link }) => (link === null ? [] : [link.name])));
	for (const link of links) {
		const own = four.filter((each) => each.link?.name === link).map(({ addr }) => addr);
		asked.rules.push(`iifname "${link}" ${own.length === 0 ? "" : `arp daddr ip != ${listOf(own)} `}drop`);
	}
	for (const { addr, parent, link } of four) {
		asked.rules.push(`iifname != "${link?.name ?? parent.name}" arp daddr ip ${addr} drop`);
	}
	const asks: Chain = { name: "asks", hook: "type filter hook output priority 0; policy accept;", rules: [] };
	if (four.length > 0) {
		const virtual = listOf(four.map(({ addr }) => addr));
		for (const { iface, addr } of senders) {
			asks.rules.push(`oifname "${iface}" arp operation request arp saddr ip ${virtual} arp saddr ip set ${addr}`);
		}
	}
	return { family: "arp", name: table, sets: [], chains: [asked, asks] };
}
