/** The elements of cluster.xml (spec/05 §3), declared in the language of core/schema. */
import {
	type AttributeDeclaration,
	address,
	count,
	type ElementDeclaration,
	onOff,
	port,
	word,
} from "../schema/declare.ts";

const ignored: AttributeDeclaration = {
	type: { is: "text" },
	mayBeEmpty: true,
	carried: "legacy",
	instead: "leave it out, it has no effect",
	doc: "had a meaning before 8",
};
/** Of versions 7, on `<lans>`, `<lan>` and `<node>`. */
const legacy = { console: ignored, framework: ignored, connect: ignored };

const node: ElementDeclaration = {
	name: "node",
	doc: "a server and its address on this lan",
	min: 1,
	max: 64,
	attributes: {
		name: { type: word, required: true, doc: "name of the server, the same on every lan" },
		addr: { type: address, required: true, doc: "address that the other servers use: IPv4, [IPv6] or a name" },
		laddr: { type: address, doc: "local address behind address translation" },
		...legacy,
	},
};

const lan: ElementDeclaration = {
	name: "lan",
	doc: "a network that servers have in common",
	min: 1,
	max: 32,
	attributes: {
		name: { type: word, required: true, doc: "name that heartbeats refer to" },
		command: { type: onOff, default: "off", doc: "distributed commands use this lan" },
		...legacy,
	},
	children: [node],
};

export const clusterElement: ElementDeclaration = {
	name: "cluster",
	doc: "the servers and the networks between them",
	children: [
		{
			name: "lans",
			doc: "the networks",
			min: 1,
			max: 1,
			attributes: {
				port: { type: port, default: "4800", doc: "UDP port of the cluster service" },
				pulse: {
					type: { is: "integer", min: 10, max: 60_000 },
					default: "100",
					doc: "milliseconds between pulses of the cluster service, without unit",
				},
				mlost_count: { type: count, carried: "later", doc: "lost pulses before a new leader is chosen" },
				slost_count: { type: count, carried: "later", doc: "lost pulses before a server is offline" },
				...legacy,
			},
			children: [lan],
		},
	],
};
