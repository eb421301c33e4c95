/** Attributes of virtual addresses that the modes share (spec/02 §5). */
import { type AttributeDeclaration, address, onOff, text, time } from "../declare.ts";

/**
 * Of an interface that several nodes share; not the address of a group of machines.
 *
 * @example
 * { name: "vmac", doc: "…", attributes: { addr: virtualMac } }
 */
export const virtualMac: AttributeDeclaration = {
	type: {
		is: "pattern",
		pattern: "[0-9A-Fa-f][02468ACEace]([:\\-][0-9A-Fa-f]{2}){5}",
		expected: "a MAC address of one machine such as 5a-fe-c0-a8-38-14",
	},
	doc: "Virtual MAC address; by default 5A:FE: and the first virtual address in hexadecimal.",
};

/**
 * Of `<vip>`.
 *
 * @example
 * { name: "vip", doc: "Virtual addresses.", attributes: vipAttributes }
 */
export const vipAttributes: Readonly<Record<string, AttributeDeclaration>> = {
	tcpreset: { type: onOff, default: "on", doc: "Reset the address's TCP connections before it is taken away." },
};

/**
 * Of `<interface>` in `<vip>`.
 *
 * @example
 * { name: "interface", doc: "A network interface.", attributes: interfaceAttributes }
 */
export const interfaceAttributes: Readonly<Record<string, AttributeDeclaration>> = {
	check: { type: onOff, default: "on", doc: "Wait while the interface is down." },
	arpreroute: { type: onOff, default: "off", doc: "Go on announcing the addresses after they are set." },
	arpinterval: { type: time("s", { min: 1 }), default: "60s", doc: "Time between two announcements." },
	arpelapse: { type: time("s"), default: "1200s", doc: "How long announcements go on." },
	name: { type: text, doc: "Network interface; by default the one with an address in the same network." },
};

/**
 * All but `where`, which differs by mode.
 *
 * @example
 * { name: "virtual_addr", doc: "…", attributes: { ...virtualAddressAttributes, where } }
 */
export const virtualAddressAttributes: Readonly<Record<string, AttributeDeclaration>> = {
	addr: { type: address, required: true, doc: "The virtual address, or a name that resolves to it." },
	check: { type: onOff, default: "on", doc: "Watch that the address stays set." },
	connections: {
		type: onOff,
		default: "off",
		doc: "Count the established connections of the address every 10 s: the resource connections.<addr>.",
	},
	netmask: { type: { is: "netmask" }, doc: "IPv4 mask; by default the interface's." },
};
