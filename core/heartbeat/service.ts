/** What the node gives to the heartbeat thread and hears from it. Messages between threads: plain JSON. */
import type { Announcement } from "../engine/contract.ts";
import type { FarmModule, FarmView, FarmWish } from "../engine/farm/group.ts";

/** One heartbeat of one module: where to send, where to listen, when to call it lost. */
export interface HeartbeatPath {
	ident: string;
	/** Own address on the lan; the socket binds to it. */
	localAddr: string;
	/** The peer's address on the lan. */
	peerAddr: string;
	/** Pulses are never rarer than this, and never rarer than a tenth of the timeout. */
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

/** Longest announcement, as JSON, in bytes. */
export const maxAnnouncementBytes = 1000;

/** Node → heartbeat thread. */
export type ToHeart =
	/** Starting a running module again with the same paths and key renews what it says, and all that is known is told again. */
	| { do: "start"; module: HeartbeatModule; announcement: Announcement; resources: Record<string, string> }
	/** What changed is sent at once on every path, and repeated within 200 ms. */
	| { do: "announce"; module: string; announcement: Announcement; resources: Record<string, string> }
	/**
	 * Takes part in a farm's group. `held`: what the kernel's filter may still accept, from before this thread: by group
	 * the own buckets, one bit each, as hex. Starting a running one again with an equal `module` renews its wish, and its
	 * view is told again. `successors`: the farm as newer cluster.xml files have it, the newest last; they count from the
	 * module's next start on.
	 */
	| { do: "farm"; module: FarmModule; wish: FarmWish; held: Record<string, string>; successors: FarmModule[] }
	| { do: "wish"; module: string; wish: FarmWish }
	/** The filter now accepts exactly what the view of this version gives to this node. */
	| { do: "applied"; module: string; version: number }
	/** What was announced last is still sent; then the sockets close. A farm's node leaves its group. */
	| { do: "stop"; module: string };

/** Heartbeat thread → node. */
export type FromHeart =
	/**
	 * Both directions work: pulses arrive, and they say that ours arrive too. After `start` nothing is said until that
	 * is known: `up` true with the first proof, `up` false when the timeout has passed without one.
	 */
	| { is: "heartbeat"; module: string; ident: string; up: boolean }
	/** The peer's announcement or its resources changed, or a heartbeat came up (then always, and after it). */
	| { is: "peer"; module: string; says: Announcement; resources: Record<string, string> }
	/** Who answers whom has changed, as far as this node may act on it. To be confirmed by `applied`. */
	| { is: "farm"; module: string; view: FarmView }
	/** Pulses were refused: wrong key, replayed, another version. At most one a minute, module, heartbeat (of a farm: lan) and reason. */
	| { is: "refused"; module: string; ident: string; why: string }
	/** This node's part in a farm contradicted itself and has ended: a defect. Others of the thread go on. */
	| { is: "failed"; module: string; why: string }
	/** This node cannot listen or send on the path; it goes on trying. At most one a minute, heartbeat and reason. */
	| { is: "unusable"; module: string; ident: string; why: string };
