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

/** By name. `before`: what those of `known` have proved counts, if the key and the own name are the same. */
export function peersOf(
	module: FarmModule,
	before: FarmModule = module,
	known: ReadonlyMap<string, Peer> = new Map(),
): Map<string, Peer> {
	const { nodes, node } = module;
	const same = module.key === before.key && node === before.node;
	const key = Buffer.from(module.key, "hex");
	const self = nodes.includes(node) ? nodes.indexOf(node) : nodes.length;
	return new Map(
		nodes.map((name, at) => [
			name,
			{
				name,
				isSelf: name === node,
				first: at < self,
				identity: (same ? known.get(name)?.identity : undefined) ?? new Identity(key, node, name, readContent),
			},
		]),
	);
}

/** A farm's pulse; null if it is none. */
function readContent(content: Envelope): Pulse | null {
	return readPulse(content) === null ? null : (content as Pulse);
}
