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
	/** All nodes of the farm in the order of cluster.xml, also those with which this one has no lan in common. */
	nodes: string[];
	pulseMs: number;
	/** Lost pulses after which the leader, and a follower, counts as gone. */
	leaderLost: number;
	followerLost: number;
	/** Every lan of the farm, with the own address to bind to and all nodes on it, this one included. */
	lans: { name: string; localAddr: string; nodes: FarmNode[] }[];
	/** Virtual addresses of the module: a node that no cable leads to has no clients at them. */
	virtual: string[];
	/** Groups of `<loadbalancing_list>`: weight of each node; one that is not named has weight 1. */
	groups: FarmGroup[];
	/** Key of this module's pulses, derived from the cluster key. 32 bytes, hex. */
	key: string;
}

export interface FarmGroup {
	name: string;
	powers: Readonly<Record<string, number>>;
}

/**
 * How long the kernel's filter goes on accepting after the last pulse that went out: shorter than the time after which
 * the others take over what this node had. The lease is renewed by pulses only while it lives, in the kernel's rule
 * itself (`… @lease update @lease { … }`); it begins, and begins again, with the batch that carries a view out. So a
 * node that comes out of a long pause, or a daemon that was dead for longer than that, does not answer again with what
 * it had before, but only after it has heard of the group.
 */
export function leaseMs(module: FarmModule): number {
	return Math.floor(0.8 * Math.min(leaderLossMs(module), followerLossMs(module)));
}

/** Silence after which the leader of a group counts as gone. */
export function leaderLossMs({ pulseMs, leaderLost }: FarmModule): number {
	return pulseMs * leaderLost;
}

/** The same of any other member. Who trusts a short silence of the leader trusts it of the others. */
export function followerLossMs({ pulseMs, leaderLost, followerLost }: FarmModule): number {
	return pulseMs * Math.min(leaderLost, followerLost);
}

/** What a node wants of its group: the groups whose traffic it is ready to take now. */
export interface FarmWish {
	open: string[];
}

/**
 * Who answers whom, as far as this node may act on it. Once the filter does what it says, the node confirms its version:
 * only then do the others hear that a bucket was released, and take it.
 */
export interface FarmView {
	/** Grows with every view that this node is given; over restarts only while nobody puts the clock back. */
	version: number;
	/** Nodes in the group, in the order of cluster.xml, this one included. */
	members: string[];
	/** Those of them that take clients of any group, or are to. Who appears with it in a view has served elsewhere before. */
	serving: string[];
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
