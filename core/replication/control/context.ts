/** What the parts of the data thread share, and the configuration of a replication process. */
import type { ReplicationFact, ResyncProgress } from "../../engine/replication.ts";
import type { Greeter } from "../link/greeting.ts";
import type { Exclusion } from "../local/exclusion.ts";
import type { NameMemory } from "../local/nameMemory.ts";
import type { Tree } from "../local/tree.ts";
import type { DataLoop } from "../loop/dataLoop.ts";
import type { Syncers } from "../loop/syncers.ts";
import type { Marks } from "../marks/marks.ts";
import type { Records } from "../records/node.ts";
import type { SocketAddress, System } from "../system.ts";
import type { Disks } from "./disks.ts";

/** Handed to the process as JSON when it is spawned. Times in milliseconds. */
export interface ProcessConfiguration {
	module: string;
	/** Own and peer name in cluster.xml. */
	node: string;
	peer: string;
	/** 0 or 1, the same on both nodes: part of every file id. */
	nodeIndex: 0 | 1;
	/** The control socket that the process makes, 0600. */
	socket: string;
	directories: { dir: string; notReplicatedPaths: string[]; notReplicatedRegexes: string[] }[];
	async: "second" | "none";
	/** Access control lists are replicated (spec/06). */
	acl: boolean;
	/** Own and peer address on the replication network, numeric. */
	listen: SocketAddress;
	connect: SocketAddress;
	/** Of this module, derived from the cluster key: 32 bytes, hex. */
	key: string;
	/** The data travels encrypted; the handshake is there in any case. One side that wants it is enough. */
	sealed: boolean;
	/** TCP connections for the data, `nbremconn`. */
	connections: number;
	/** An operation that is not acknowledged for so long ends the session; so does an order that does not come. */
	lockTimeoutMs: number;
	sendTimeoutMs: number;
	/** So long a change of the application may wait in all, also for room in a queue; then the session ends. */
	ioTimeoutMs: number;
	/** The longest heartbeat timeout: a link that is silent for so long is down. */
	linkTimeoutMs: number;
	/** KB/s of a resync, null: unlimited. */
	resyncBandwidth: number | null;
	/** Files that a resync compares at the same time (`nbrei`). */
	resyncLanes: number;
	/** A request of a resync that is not answered for so long interrupts it (`reitimeout`). */
	resyncTimeoutMs: number;
	/** Each directory and file of a resync is told in the log (`reidetail`). */
	resyncDetail: boolean;
}

/** What `OPENSAFE_SABOTAGE` may say here: a mechanism that is switched off, to prove that tests find its absence. */
export type Sabotage =
	| "early-ack"
	| "no-marks"
	| "late-marks"
	| "no-intents"
	| "no-sync"
	| "crashed-start"
	| "trust-cache";

/** One replicated directory in the data thread. */
export interface Volume {
	/** Place in the configuration, part of every message. */
	index: number;
	tree: Tree;
	exclusion: Exclusion;
	/** What may differ from the other server's copy. */
	marks: Marks;
	/** Where its files were seen last. */
	names: NameMemory;
}

/** What of the configuration may change while a process runs. */
export type Tuning = Pick<
	ProcessConfiguration,
	"async" | "resyncLanes" | "resyncTimeoutMs" | "resyncDetail" | "linkTimeoutMs"
>;

export interface Context {
	readonly config: ProcessConfiguration;
	/** Handshakes of links. */
	readonly greeter: Greeter;
	readonly loop: DataLoop;
	readonly system: System;
	readonly syncers: Syncers;
	readonly disks: Disks;
	readonly records: Records;
	readonly volumes: readonly Volume[];
	/** Of a person, for the next session; gone with the process. */
	readonly wishes: {
		/** As the target: all that was changed before is here (wall clock). null: nobody says so. */
		sinceMs: number | null;
	};
	/** Goes on with another part of the configuration. */
	tune(tuning: Tuning): void;
	fact(fact: ReplicationFact): void;
	log(level: "E" | "I" | "W" | "D" | "C", origin: string, text: string): void;
	progress(progress: ResyncProgress | null): void;
	/** `done` when the marks name what was changed by hand while the mounts were away. */
	marksKnown(done: () => void): void;
	/** Requests that `gate` parked are tried again. */
	unpark(): void;
}

/** Nothing is known of how the two copies differ; `done` when the marks say so on disk. */
export function markAll(context: Context, done: () => void): void {
	let left = context.volumes.length;
	for (const { marks } of context.volumes) {
		marks.setEverything();
		marks.written(() => {
			if (--left === 0) done();
		});
	}
}
