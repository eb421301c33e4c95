/** Which node of the cluster this machine is, and how nodes reach each other. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { SafekitError } from "../errors.ts";
import { unzoned } from "../schema/ipv6.ts";
import type { Cluster, Lan, LanNode } from "./cluster.ts";

const resolveMs = 5000;

/** Names of all nodes, in the order of the file. */
export function nodeNames(cluster: Cluster): string[] {
	return [...new Set(cluster.lans.flatMap((lan) => lan.nodes.map((node) => node.name)))];
}

/**
 * The name of the node whose address (or local address) this machine has; `override` (SAFENODE) decides if it is set.
 * Throws CLUSTER_NOT_A_NODE if no node fits, or more than one.
 */
export async function ownNode(
	cluster: Cluster,
	override: string | undefined,
	addresses: readonly string[] = localAddresses(),
): Promise<string> {
	const names = nodeNames(cluster);
	if (override !== undefined && override !== "") {
		if (names.includes(override)) return override;
		const message = `SAFENODE is ${override}, but cluster.xml only names ${names.join(", ")}`;
		throw new SafekitError("CLUSTER_NOT_A_NODE", message, {
			remedy: "Set SAFENODE to one of these names, or unset it.",
		});
	}
	const own = new Set(addresses.map(unzoned));
	const fitting = new Set<string>();
	await Promise.all(
		cluster.lans.flatMap((lan) =>
			lan.nodes.map(async (node) => {
				const found = await resolve(localAddr(node));
				if (found.some((addr) => own.has(unzoned(addr)))) fitting.add(node.name);
			}),
		),
	);
	const [first, second] = names.filter((name) => fitting.has(name));
	if (first === undefined) {
		const wanted = cluster.lans.flatMap((lan) => lan.nodes.map((node) => `${node.name} ${localAddr(node)}`));
		const message = `this machine (${addresses.join(", ")}) has no address of a node in cluster.xml (${wanted.join(", ")})`;
		throw new SafekitError("CLUSTER_NOT_A_NODE", message);
	}
	if (second === undefined) return first;
	throw new SafekitError(
		"CLUSTER_NOT_A_NODE",
		`this machine has addresses of both ${first} and ${second} of cluster.xml`,
	);
}

/** Addresses of this machine's interfaces, without those that every machine has. */
export function localAddresses(): string[] {
	return Object.values(networkInterfaces())
		.flatMap((list) => list ?? [])
		.filter((entry) => !entry.internal || !/^(127\.0\.0\.1|::1)$/.test(entry.address))
		.map((entry) => (entry.scopeid ? `${entry.address}%${entry.scopeid}` : entry.address));
}

/** Address on which a node itself listens. */
export function localAddr(node: LanNode): string {
	return node.laddr ?? node.addr;
}

/** Own and peer entry of a lan; undefined if the lan does not have both. */
export function pairOn(cluster: Cluster, lanName: string, own: string, peer: string): [LanNode, LanNode] | undefined {
	const lan = cluster.lans.find((each: Lan) => each.name === lanName);
	const [mine, other] = [own, peer].map((name) => lan?.nodes.find((node) => node.name === name));
	return mine === undefined || other === undefined ? undefined : [mine, other];
}

/** A name that does not resolve in time is nobody's. */
async function resolve(addr: string): Promise<string[]> {
	if (isIP(addr.split("%")[0] ?? "") !== 0) return [addr];
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never[]>((done) => {
		timer = setTimeout(() => done([]), resolveMs);
	});
	const found = lookup(addr, { all: true }).then(
		(all) => all.map(({ address }) => address),
		() => [],
	);
	try {
		return await Promise.race([found, late]);
	} finally {
		clearTimeout(timer);
	}
}
