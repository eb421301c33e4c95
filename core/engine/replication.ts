/**
 * The words between the engine and the replication process of a module (replication.md §5).
 * Both sides import them from here; they travel as JSON lines over the process's control socket.
 */

/**
 * Whose line of data this is (replication.md §5.3 `node.epoch`). Ids are 16 hex digits, made at random.
 *
 * `base` is what both nodes had when they last were the same. So: when a session is about to become complete (§5.8
 * step 4), the source first records `base = current` (the old base goes into `history`), then the target takes over
 * exactly that record. A node mints only if `current === base` (`current` = new id, `base` stays): once a separation,
 * however often it starts alone. `force` mints always: the old `current` becomes `base`, the old `base` history.
 */
export interface Epoch {
	current: string;
	base: string;
	/** Older epochs, newest first, at most 8. */
	history: string[];
}

/** The durable records of one node, as both nodes show them to each other (replication.md §5.3). */
export interface NodeRecords {
	/** Random, made with the first record: tells one tree of data from another that was put in its place. */
	tree: string;
	term: number;
	/** null: this data never had a line of its own (fresh module). */
	epoch: Epoch | null;
	role: { was: "primary" | "secondary"; sinceTerm: number } | null;
	/** `open`: acknowledged writes may be missing here. Sealed: none of that term is. */
	seal: "open" | { term: number; seq: number };
	/** §5.5 step 4: the peer is outdated, this node may start without it. */
	alone: { term: number } | null;
	/** Mixed content: never a source, never primary (primforce only). */
	copying: boolean;
	/**
	 * Recorded and removed with `copying`: the session was ordered with `quarantine`, so a repair that takes up an
	 * interrupted one still keeps what it overwrites. (What `everything` asked for is kept in the source's marks.)
	 */
	keeping?: boolean;
	checkpoint: { own: number; peer: number };
	/**
	 * The process or the machine died since the last session without a seal, or a received operation could not be
	 * applied: this node may lack something that it had acknowledged. False again at the next session's start.
	 */
	crashed: boolean;
}

/**
 * Those of data that no session has ever touched.
 *
 * @example
 * const records = stored ?? freshRecords(tree);
 */
export function freshRecords(tree: string): NodeRecords {
	return {
		tree,
		term: 0,
		epoch: null,
		role: null,
		seal: { term: 0, seq: 0 },
		alone: null,
		copying: false,
		keeping: false,
		checkpoint: { own: 0, peer: 0 },
		crashed: false,
	};
}

/** §5.7, in the order of the table. */
export type MeetingOutcome =
	| "NEW"
	| "UNRELATED"
	| "HALF_COPIED"
	| "ROLLED_BACK"
	| "DIVERGED"
	| "BEHIND"
	| "PEER_BEHIND"
	| "FAR_BEHIND"
	| "SERVING"
	| "RESUME"
	| "CRASHED_PRIMARY"
	| "CRASHED_SECONDARY"
	| "BLACKOUT"
	| "EQUAL";

/**
 * Engine → replication process. Every order is idempotent: given twice, it answers twice and acts once. A new order
 * replaces a pending one. Terms fence: `serve` with `alone`, `goAlone` and `session` are answered `failed` if their
 * term is not higher than the recorded one, unless it is the same order given again.
 */
export type ReplicationOrder =
	/**
	 * Spawn or find the process, read the records, empty `.opensafe/open`, mount read-only. Given to a process that
	 * runs and does not serve: give up any session, pending or not (link closed, what was received is applied).
	 * Given to one that serves: nothing but the answer. Answer: `opened`, with the records as they are now.
	 * `adopt`: the process died (§5.9). The new one takes over its mounts with all that was open; where it served,
	 * changes wait for `serve`, at most `locktimeout`. `failed` if the mounts are lost.
	 */
	| { order: "open"; adopt?: boolean }
	/**
	 * The process died and is not started again: its mounts are given up. They stay as a fence until the next `open`,
	 * whoever waits in them gets an error. No answer. `kill`: it does not answer, and is ended first; `died` follows.
	 */
	| { order: "abandon"; kill?: boolean }
	/**
	 * Start a session under `term` (replication.md §5.8). The source connects, the target listens; both must have
	 * been ordered the same term and outcome, otherwise the handshake is refused and tried again until it fits or
	 * another order comes. The target records term, role and `copying`, drops `alone`, and then the source hears
	 * `accepted`. `quarantine`: the target keeps what it loses. Progress, then `synced` on both sides.
	 */
	| {
			order: "session";
			term: number;
			source: boolean;
			outcome: MeetingOutcome;
			everything: boolean;
			quarantine: boolean;
	  }
	/**
	 * Become writable under `term`. `alone`: no session exists, record `alone` (unless a witness forbids) and mint an
	 * epoch at the first change. With a session accepted: `alone` false; `alone` is recorded here too (the target has
	 * accepted to be outdated; it goes in §5.8 step 5; not recorded if the session is complete already), so a link lost before `synced` needs no permission: the process
	 * just goes on, minting if the target may have taken the epoch over. `force` (a person's order against the rules):
	 * clear `copying`, mint a new epoch at once, so that the other is behind. Answer: `serving`.
	 */
	| { order: "serve"; term: number; alone: boolean; force?: boolean }
	/** §5.5 step 3, without permission yet: syncfs. Answer: `synchronised`. */
	| { order: "sync" }
	/** §5.5 steps 4 and 5: permission is there. Record `alone`, term, epoch if operations are frozen; thaw. Answer: `alone`. */
	| { order: "goAlone"; term: number }
	/** §5.6: close the link, apply what was received, syncfs. Stays read-only. Answer: `promoted`, or `failed`. */
	| { order: "promote" }
	/** Without permission in time: answer frozen and later changes with EIO, then seal. Answer: `sealed`. */
	| { order: "fail" }
	/**
	 * Planned stop or swap, application already stopped: sync the mount, drain, checkpoint, read-only, seal. On a
	 * target whose link is lost: apply what was received, syncfs, seal. The session is over with it on both sides:
	 * nothing is resent into a sealed node, and it is not promotable. Answer: `sealed`; `failed` if a seal would not
	 * be true (crashed, copying).
	 */
	| { order: "seal" }
	/** Seal if that is true, unmount, end the process. Answer: `closed`. */
	| { order: "close" }
	/**
	 * Source in a complete session: compare both trees by digests through the ordered stream, while the application goes
	 * on. Progress with `verifying`, then `verified`. What differs is marked, so the next session repairs it; nothing is
	 * changed by this. `failed` when there is no complete session, or when it ends meanwhile.
	 */
	| { order: "verify" }
	/** What a session would compare, from this node's marks alone. Answer: `estimated`. */
	| { order: "estimate" };

/** The order to open a session with the peer: whose data is copied, under which term. */
export type SessionOrder = Extract<ReplicationOrder, { order: "session" }>;

/**
 * The same order given again. One of the same term that says anything else was decided anew, before it was accepted.
 *
 * @example
 * if (current !== null && isSameSession(current, order)) return;
 */
export function isSameSession(a: SessionOrder, b: SessionOrder): boolean {
	const same = a.term === b.term && a.source === b.source && a.outcome === b.outcome;
	return same && a.everything === b.everything && a.quarantine === b.quarantine;
}

/** Replication process → engine. */
export type ReplicationFact =
	| { fact: "opened"; records: NodeRecords }
	/** The records changed; sent after they are durable. */
	| { fact: "records"; records: NodeRecords }
	| { fact: "accepted"; term: number }
	/** Source: the target is up to date and promotable from now on. Target: I am. `files`, `bytes` were copied. */
	| { fact: "synced"; term: number; files: number; bytes: number }
	| { fact: "serving"; term: number }
	| { fact: "synchronised" }
	| { fact: "alone"; term: number }
	| { fact: "promoted"; term: number; seq: number }
	| { fact: "sealed"; seal: { term: number; seq: number } }
	| { fact: "closed" }
	/** Source in a session: the link ended or an answer is late; acknowledgements are frozen (§5.5 step 1). */
	| { fact: "frozen"; why: string }
	/** The same incarnation came back within 2 s, everything was sent again (§5.5 step 2). */
	| { fact: "thawed" }
	/** §5.5 step 2 is over without success: permission is needed now. */
	| { fact: "peerLost"; why: string }
	/**
	 * Target: the link to the source ended. `promotable` as of then: the session was complete and nothing failed since.
	 * Comes before `link` down. If the same source resends into the same incarnation within 2 s, `link` up follows.
	 */
	| { fact: "linkLost"; promotable: boolean }
	/**
	 * A living link counts as a heartbeat. Sent on every change. The link has pulses of its own, which the peer echoes;
	 * `up` false at the latest one heartbeat timeout after the sending of the last pulse whose echo came: so it never
	 * delays a failover, and a primary that is not heard does not believe in the link longer than its peer does.
	 */
	| { fact: "link"; up: boolean }
	/**
	 * The answer to `verify`. `differences`: paths, each once, relative to no directory (`/data/a/b`), at most 1000;
	 * `more` were found besides. `files` and `bytes` were compared.
	 */
	| { fact: "verified"; differences: string[]; more: number; files: number; bytes: number }
	/**
	 * The answer to `estimate`: `files` and `bytes` would be compared at most, of which usually less is sent;
	 * `directories`: whose entries would be compared. `everything`: no marks tell; the counts are those of the file systems.
	 */
	| { fact: "estimated"; everything: boolean; directories: number; files: number; bytes: number }
	/** An order could not be carried out; `code` of core/errors.ts. */
	| { fact: "failed"; order: ReplicationOrder["order"]; code: string; message: string }
	/** The primary's own disk fails (EIO from a write or a syncfs). */
	| { fact: "diskFailed"; message: string }
	/** Target: could not apply or sync; not promotable any more. */
	| { fact: "applyFailed"; message: string }
	/** The mounts have not answered for so long (`checktime`, spec/06 §2); said by who asks them, not by the process. */
	| { fact: "silent"; forMs: number }
	/**
	 * The replication process is gone without having been asked (M21); `killed`: by `abandon`. `absent`: a daemon that was
	 * restarted has found none; where none was there before, nothing has died since.
	 */
	| { fact: "died"; killed?: boolean; absent?: boolean };

/** Progress of a resync; not an engine event, shown by `state` and the log. */
export interface ResyncProgress {
	doneBytes: number;
	totalBytes: number;
	files: number;
	mbPerS: number;
	/** Seconds; null while unknown. */
	leftS: number | null;
	/** A `verify` runs, nothing is copied. */
	verifying?: true;
}
