/** What cluster.xml says (spec/05 §3). Plain data; reading and checking it is in read.ts. */

export interface Cluster {
	/** UDP port of the cluster service. */
	port: number;
	pulseMs: number;
	lans: Lan[];
}

export interface Lan {
	name: string;
	command: boolean;
	nodes: LanNode[];
}

export interface LanNode {
	name: string;
	/** Address that others use: IPv4, IPv6 without brackets, or a name. */
	addr: string;
	/** Local address behind NAT. */
	laddr?: string;
}
