/** `<vip>` as the virtual address services read it (spec/02 §5). */
import { createHash } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { descendants, isOn, numberOf, textOf } from "../../schema/access.ts";
import { groupsOf } from "../../schema/ipv6.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { SharedInterface, VipConfiguration, VirtualAddress } from "../configuration.ts";
import { balancingSettings } from "./farm.ts";

/** In a farm every address is on all nodes, also one of a real interface: somebody has to receive its frames. */
export function vipSettings(vip: CheckedElement, mode: "mirror" | "farm", report: Report): VipConfiguration {
	const onAll: SharedInterface = { type: "vmac_directed", mac: null };
	const found = descendants(vip, "interface_list", "interface").flatMap((intf) => [
		...sharedAddresses(intf),
		...addressesOf(intf, descendants(intf, "real_interface", "virtual_addr"), mode === "farm" ? onAll : null),
	]);
	refuseRepeated(found, report);
	return {
		tcpreset: isOn(vip, "tcpreset"),
		scriptControl: isOn(vip, "scriptcontrol"),
		addresses: found.map(({ address }) => address),
		balancing: mode === "farm" ? balancingSettings(vip, report) : [],
	};
}

interface Found {
	element: CheckedElement;
	address: VirtualAddress;
}

function sharedAddresses(intf: CheckedElement): Found[] {
	return descendants(intf, "virtual_interface").flatMap((element) => {
		const addresses = descendants(element, "virtual_addr");
		return addressesOf(intf, addresses, sharedInterface(element, addresses));
	});
}

function sharedInterface(element: CheckedElement, addresses: readonly CheckedElement[]): SharedInterface {
	if (textOf(element, "type") !== "vmac_invisible") return { type: "vmac_directed", mac: null };
	const written = textOf(element, "addr")?.toLowerCase().replaceAll("-", ":");
	const [first] = addresses;
	return {
		type: "vmac_invisible",
		mac: written ?? defaultMac(first === undefined ? "" : (textOf(first, "addr") ?? "")),
	};
}

/**
 * `5a:fe:` and the first virtual address in hexadecimal. The four bytes of an IPv6 address are its eight groups folded
 * together, those of a name a digest of it: the same on every node, whatever the name resolves to there.
 */
export function defaultMac(addr: string): string {
	return `5a:fe:${fourBytes(addr)
		.toString("hex")
		.replace(/..(?=.)/g, "$&:")}`;
}

function fourBytes(addr: string): Buffer {
	if (isIPv4(addr)) return Buffer.from(addr.split(".").map(Number));
	if (!isIPv6(addr)) return createHash("sha256").update(addr.toLowerCase()).digest().subarray(0, 4);
	const folded = Buffer.alloc(4);
	for (const [index, group] of groupsOf(addr).entries()) {
		const at = (index % 2) * 2;
		folded.writeUInt16BE(folded.readUInt16BE(at) ^ group, at);
	}
	return folded;
}

function addressesOf(
	intf: CheckedElement,
	elements: readonly CheckedElement[],
	shared: SharedInterface | null,
): Found[] {
	return elements.map((element) => ({ element, address: oneAddress(intf, element, shared) }));
}

/** A blank address is "" here; `config` has refused it before anybody can use it. */
function oneAddress(intf: CheckedElement, element: CheckedElement, shared: SharedInterface | null): VirtualAddress {
	return {
		addr: textOf(element, "addr") ?? "",
		where: (textOf(element, "where") ?? "one_side_alias") as VirtualAddress["where"],
		shared,
		interface: textOf(intf, "name"),
		netmask: textOf(element, "netmask"),
		check: isOn(element, "check"),
		interfaceCheck: isOn(intf, "check"),
		connections: isOn(element, "connections"),
		arpreroute: isOn(intf, "arpreroute"),
		arpIntervalMs: numberOf(intf, "arpinterval") ?? 60_000,
		arpElapseMs: numberOf(intf, "arpelapse") ?? 1_200_000,
	};
}

function refuseRepeated(found: readonly Found[], report: Report): void {
	const seen = new Set<string>();
	for (const { element, address } of found) {
		const { addr } = address;
		if (addr !== "" && seen.has(addr)) {
			const details = { attribute: "addr", found: addr };
			report.add("CONFIG_REPEATED", `the address ${addr} stands twice`, element.xml, details);
		}
		seen.add(addr);
	}
}
