/**
 * What the heartbeat thread and the node say to each other of a farm's group: who is in it, and who answers whom.
 * Plain JSON, because it goes between threads. Times in milliseconds.
 */

/** The clients of a rule are hashed into so many buckets (spec/02 §5). */
export const buckets = 256;

/** One node of the farm on one lan. */
export interface FarmNode {
	name: string;
	addr: string;
}

/** What the heartbeat thread needs to take part in a group. */
export interface FarmModule {
	module: string;
	id: number;
	/** UDP, `<farm port>`. */
	port: number;
	/** This node's name in cluster.xml. */
	node: string;
	pulseMs: number;
	/** Lost pulses after which the leader, and a follower, counts as gone. */
	leaderLost: number;
	followerLost: number;
	/** Every lan of the farm, with the own address to bind to and all nodes on it, this one included. */
	lans: { name: string; localAddr: string; nodes: FarmNode[] }[];
	/** Groups of `<loadbalancing_list>`: weight of each node; one that is not named has weight 1. */
	groups: FarmGroup[];
	/** Key of this module's pulses, derived from the cluster key. 32 bytes, hex. */
	key: string;
}

export interface FarmGroup {
	name: string;
	powers: Readonly<Record<string, number>>;
}

/** What a node wants of its group: the groups whose traffic it is ready to take now. */
export interface FarmWish {
	open: string[];
}

/** Who answers whom, as far as this node may act on it. */
export interface FarmView {
	/** Grows with every change that this node hears of. */
	version: number;
	/** Nodes in the group, in the order of cluster.xml, this one included. */
	members: string[];
	groups: FarmShare[];
	/** All members know this view, and no bucket is on its way from one to another. */
	settled: boolean;
}

export interface FarmShare {
	name: string;
	/** Owner of each of the 256 buckets; null: nobody's at the moment, its frames are dropped everywhere. */
	owners: (string | null)[];
}

/** Number of buckets that a node answers in a share. */
export function loadOf(share: FarmShare, node: string): number {
	return share.owners.filter((owner) => owner === node).length;
}
