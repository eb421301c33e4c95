/** `<vip>` as the virtual address service reads it (spec/02 §5). Addresses under a MAC of their own come later. */
import { descendants, isOn, numberOf, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { VipConfiguration, VirtualAddress } from "../configuration.ts";

export function vipSettings(vip: CheckedElement, report: Report): VipConfiguration {
	const seen = new Set<string>();
	const addresses = descendants(vip, "interface_list", "interface").flatMap((intf) =>
		descendants(intf, "real_interface", "virtual_addr").map((element) => {
			const address = oneAddress(intf, element);
			if (address.addr !== "" && seen.has(address.addr)) {
				report.add("CONFIG_REPEATED", `the address ${address.addr} stands twice`, element.xml, {
					attribute: "addr",
					found: address.addr,
				});
			}
			seen.add(address.addr);
			return address;
		}),
	);
	return { tcpreset: isOn(vip, "tcpreset"), addresses };
}

/** A blank address is "" here; `config` has refused it before anybody can use it. */
function oneAddress(intf: CheckedElement, element: CheckedElement): VirtualAddress {
	return {
		addr: textOf(element, "addr") ?? "",
		where: textOf(element, "where") === "one_side" ? "one_side" : "one_side_alias",
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
