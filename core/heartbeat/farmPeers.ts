/** The nodes of a farm, as one of them knows them: by cluster.xml, and by what proves that a pulse is theirs. */
import type { FarmModule } from "../engine/farm/group.ts";
import { type FarmPulseWire, readPulse } from "../engine/farm/pulse.ts";
import { Identity } from "./identity.ts";
import type { Envelope } from "./packet.ts";

export type Pulse = Envelope & FarmPulseWire;

export interface Peer {
	name: string;
	isSelf: boolean;
	/** Does it stand before this node? One that is not in cluster.xml any more stands behind all others. */
	first: boolean;
	identity: Identity<Pulse>;
}

/** By key and names. Two for the same would take turns in not being believed. */
export type Identities = Map<string, Identity<Pulse>>;

/** By name. */
export function peersOf(module: FarmModule, identities: Identities): Map<string, Peer> {
	const { nodes, node } = module;
	const key = Buffer.from(module.key, "hex");
	const self = nodes.includes(node) ? nodes.indexOf(node) : nodes.length;
	const peer = (name: string, at: number): Peer => {
		const id = JSON.stringify([module.key, node, name]);
		const identity = identities.get(id) ?? new Identity(key, node, name, readContent);
		identities.set(id, identity);
		return { name, isSelf: name === node, first: at < self, identity };
	};
	return new Map(nodes.map((name, at) => [name, peer(name, at)]));
}

/** A farm's pulse; null if it is none. */
function readContent(content: Envelope): Pulse | null {
	return readPulse(content) === null ? null : (content as Pulse);
}
