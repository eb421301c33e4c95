/** What the modes share of `<vip>` (spec/02 §5). */
import { type AttributeDeclaration, address, type ElementDeclaration, onOff, text, time } from "../declare.ts";

/** Of an interface that several nodes share; not the address of a group of machines. */
const virtualMac: AttributeDeclaration = {
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

const interfaceAttributes: Readonly<Record<string, AttributeDeclaration>> = {
	check: { type: onOff, default: "on", doc: "Wait while the interface is down." },
	arpreroute: { type: onOff, default: "off", doc: "Go on announcing the addresses after they are set." },
	arpinterval: { type: time("s", { min: 1 }), default: "60s", doc: "Time between two announcements." },
	arpelapse: { type: time("s"), default: "1200s", doc: "How long announcements go on." },
	name: { type: text, doc: "Network interface; by default the one with an address in the same network." },
};

/** All but `where`, which differs by mode. */
const virtualAddressAttributes: Readonly<Record<string, AttributeDeclaration>> = {
	addr: { type: address, required: true, doc: "The virtual address, or a name that resolves to it." },
	check: { type: onOff, default: "on", doc: "Watch that the address stays set." },
	connections: {
		type: onOff,
		default: "off",
		doc: "Count the established connections of the address every 10 s: the resource connections.<addr>.",
	},
	netmask: { type: { is: "netmask" }, doc: "IPv4 mask; by default the interface's." },
};

/** What differs by mode in `<interface_list>`. */
export interface InterfaceListChoices {
	/** `where` of addresses on the interface itself. */
	where: AttributeDeclaration;
	/** Of `<virtual_interface>`: what it is for, its types, and `where` of its addresses. */
	shared: { doc: string; type: AttributeDeclaration; where: AttributeDeclaration };
}

/**
 * The element `<interface_list>` in `<vip>`.
 *
 * @example
 * const where = { type: choice("alias"), default: "alias", doc: "Set on every node." };
 * const type = { type: choice("vmac_invisible"), required: true, doc: "How frames reach the nodes." };
 * const list = interfaceList({ where, shared: { doc: "An interface that all nodes share.", type, where } });
 */
export function interfaceList({ where, shared }: InterfaceListChoices): ElementDeclaration {
	return {
		name: "interface_list",
		doc: "The interfaces that carry virtual addresses.",
		min: 1,
		children: [
			{
				name: "interface",
				doc: "One interface.",
				min: 1,
				attributes: interfaceAttributes,
				children: [
					{ name: "real_interface", doc: "The interface itself.", children: [virtualAddress(where)] },
					{
						name: "virtual_interface",
						doc: shared.doc,
						attributes: { type: shared.type, addr: virtualMac },
						children: [virtualAddress(shared.where)],
					},
				],
			},
		],
	};
}

function virtualAddress(where: AttributeDeclaration): ElementDeclaration {
	return {
		name: "virtual_addr",
		doc: "One virtual address.",
		min: 1,
		attributes: { ...virtualAddressAttributes, where },
	};
}
