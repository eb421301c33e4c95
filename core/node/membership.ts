/** Who this server is in its cluster, who the other one of a module is, and on which addresses they meet. */
import { type ClusterConfiguration, readClusterConfiguration } from "../cluster/configuration.ts";
import { deriveKey } from "../cluster/key.ts";
import { localAddr, nodeNames, ownNode, pairOn } from "../cluster/self.ts";
import type { FarmModule } from "../engine/farm/group.ts";
import { SafekitError } from "../errors.ts";
import type { HeartbeatModule } from "../heartbeat/service.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { Paths } from "../module/paths.ts";

export interface Membership {
	node: string;
	/** The other server of a mirror; null in modes without one. */
	peer: string | null;
}

export class ClusterView {
	readonly #paths: Paths;
	readonly #override: string | undefined;
	#read: Promise<{ configuration: ClusterConfiguration; node: string }> | null = null;

	/** `override`: SAFENODE. */
	constructor(paths: Paths, override: string | undefined) {
		this.#paths = paths;
		this.#override = override;
	}

	/** Forgets what was read: cluster.xml or the key changed. */
	reload(): void {
		this.#read = null;
	}

	/** The configuration in force and the own name in it. A failure is not remembered: an address may come up later. */
	get(): Promise<{ configuration: ClusterConfiguration; node: string }> {
		if (this.#read === null) {
			const reading = this.#load();
			this.#read = reading;
			reading.catch(() => {
				if (this.#read === reading) this.#read = null;
			});
		}
		return this.#read;
	}

	/** Own name, or null where there is no cluster configuration or this machine is no node of it. */
	async nodeName(): Promise<string | null> {
		try {
			return (await this.get()).node;
		} catch (error) {
			if (error instanceof SafekitError) return null;
			throw error;
		}
	}

	/** Own name and the peer's. Throws when cluster.xml does not say who that is. */
	async membershipOf(configuration: ModuleConfiguration): Promise<Membership> {
		const { configuration: inForce, node } = await this.get();
		if (configuration.mode !== "mirror") return { node, peer: null };
		const lans = configuration.heart?.heartbeats.map(({ lan }) => lan) ?? [];
		const others = nodeNames(inForce.cluster).filter(
			(name) => name !== node && lans.every((lan) => pairOn(inForce.cluster, lan, node, name) !== undefined),
		);
		const [peer] = others;
		if (peer !== undefined && others.length === 1) return { node, peer };
		const found = others.length === 0 ? "no other node" : `more than one other node (${others.join(", ")})`;
		throw new SafekitError(
			"NODE_PEER",
			`cluster.xml has ${found} on the lans of module '${configuration.module}' (${lans.join(", ")}).`,
		);
	}

	/** What the heartbeat thread needs for a module; null where the mode or the module has no heartbeats. */
	async heartbeatOf(configuration: ModuleConfiguration): Promise<HeartbeatModule | null> {
		const { heart, module, id } = configuration;
		const { node, peer } = await this.membershipOf(configuration);
		if (heart === null || peer === null) return null;
		const { configuration: inForce } = await this.get();
		const paths = heart.heartbeats.flatMap(({ ident, lan, pulseMs, timeoutMs }) => {
			const pair = pairOn(inForce.cluster, lan, node, peer);
			if (pair === undefined) return [];
			return [{ ident, localAddr: localAddr(pair[0]), peerAddr: pair[1].addr, pulseMs, timeoutMs }];
		});
		const key = deriveKey(inForce.key, "heartbeat", module).toString("hex");
		return { module, id, port: heart.port, node, peer, paths, key };
	}

	/** What the heartbeat thread needs for the group of a farm; null in other modes. Throws where this node is on no lan of it. */
	async farmOf(configuration: ModuleConfiguration): Promise<FarmModule | null> {
		const { farm, vip, module, id } = configuration;
		if (farm === null) return null;
		const { configuration: inForce, node } = await this.get();
		const lans = inForce.cluster.lans.filter(({ name }) => farm.lans.includes(name));
		const own = lans.flatMap(({ name, nodes }) => {
			const mine = nodes.find((each) => each.name === node);
			if (mine === undefined) return [];
			return [{ name, localAddr: localAddr(mine), nodes: nodes.map(({ name, addr }) => ({ name, addr })) }];
		});
		if (own.length === 0) {
			const named = farm.lans.join(", ");
			throw new SafekitError(
				"NODE_LAN",
				`cluster.xml has ${node} on none of the lans of module '${module}' (${named}).`,
			);
		}
		const { pulseMs, leaderLost, followerLost, port } = farm;
		const nodes = nodeNames(inForce.cluster).filter((name) =>
			lans.some((lan) => lan.nodes.some((each) => each.name === name)),
		);
		const groups = vip?.balancing.map(({ name, powers }) => ({ name, powers })) ?? [];
		const virtual = vip?.addresses.map(({ addr }) => addr) ?? [];
		const key = deriveKey(inForce.key, "farm", module).toString("hex");
		return { module, id, port, node, nodes, pulseMs, leaderLost, followerLost, lans: own, virtual, groups, key };
	}

	/** Addresses of the module's peer on all lans: one that still has the virtual address is told from a stranger. */
	async peerAddressesOf(configuration: ModuleConfiguration): Promise<string[]> {
		const { peer } = await this.membershipOf(configuration);
		const { cluster } = (await this.get()).configuration;
		return cluster.lans.flatMap((lan) => lan.nodes.filter(({ name }) => name === peer).map(({ addr }) => addr));
	}

	async #load(): Promise<{ configuration: ClusterConfiguration; node: string }> {
		const configuration = await readClusterConfiguration(this.#paths);
		return { configuration, node: await ownNode(configuration.cluster, this.#override) };
	}
}
