/** What the node gives to the heartbeat thread and hears from it. Messages between threads: plain JSON. */
import type { Announcement } from "../engine/contract.ts";

/** One heartbeat of one module: where to send, where to listen, when to call it lost. */
export interface HeartbeatPath {
	ident: string;
	/** Own address on the lan; the socket binds to it. */
	localAddr: string;
	/** The peer's address on the lan. */
	peerAddr: string;
	pulseMs: number;
	timeoutMs: number;
}

export interface HeartbeatModule {
	module: string;
	id: number;
	port: number;
	/** Own and peer node name, as in cluster.xml. */
	node: string;
	peer: string;
	paths: HeartbeatPath[];
	/** Key of this module's pulses, derived from the cluster key. 32 bytes, hex. */
	key: string;
}

/** Node → heartbeat thread. */
export type ToHeart =
	| { do: "start"; module: HeartbeatModule; announcement: Announcement; resources: Record<string, string> }
	| { do: "announce"; module: string; announcement: Announcement; resources: Record<string, string> }
	| { do: "stop"; module: string };

/** Heartbeat thread → node. */
export type FromHeart =
	/** Both directions work: pulses arrive, and they say that ours arrive too. */
	| { is: "heartbeat"; module: string; ident: string; up: boolean }
	/** The peer's announcement or its resources changed. */
	| { is: "peer"; module: string; says: Announcement; resources: Record<string, string> }
	/** Pulses were refused: wrong key, replayed, another version. At most one a minute and module. */
	| { is: "refused"; module: string; ident: string; why: string };
