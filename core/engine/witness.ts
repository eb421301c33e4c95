/**
 * The lease witness (replication.md §6): what a node has seen of the one record of its module, and what that lets it
 * do. Times are the node's own monotonic milliseconds; T is the longest heartbeat timeout.
 */
import type { WitnessAnswer, WitnessRecord, WitnessRequest } from "./contract.ts";

/**
 * What a node knows of the record of its module at the lease witness. Times on its monotonic clock, in
 * milliseconds.
 */
export interface LeaseView {
	/** The witness has answered since the last time it was unreachable. */
	known: boolean;
	record: WitnessRecord | null;
	/** When this value of term and beat was seen first. */
	sinceMs: number;
	/** When the last renewal that succeeded was asked for; -1: none under this view. */
	renewedMs: number;
}

/**
 * The witness has not been asked yet.
 *
 * @example
 * const state = { ...initial, lease: unseenLease };
 */
export const unseenLease: LeaseView = { known: false, record: null, sinceMs: 0, renewedMs: -1 };

/**
 * Takes an answer in.
 *
 * @example
 * const lease = observe(unseenLease, { got: "unreachable" }, atMs);
 */
export function observe(view: LeaseView, answer: WitnessAnswer, atMs: number): LeaseView {
	if (answer.got === "unreachable") return { ...view, known: false };
	const { record } = answer;
	const same = view.record?.term === record?.term && view.record?.beat === record?.beat;
	const renewedMs = answer.got === "swapped" ? answer.askedAtMs : view.renewedMs;
	return { known: true, record, sinceMs: same ? view.sinceMs : atMs, renewedMs };
}

/**
 * The record names only this node under a higher term than its own: the swap went through, even if the answer did not.
 *
 * @example
 * if (grants(s.lease, config.node, records.term)) goAlone(ctx);
 */
export function grants(view: LeaseView, node: string, term: number): boolean {
	const record = view.record;
	return record !== null && record.term > term && record.current.length === 1 && record.current[0] === node;
}

/** What the witness lets a node do that wants to go alone or take over. */
export type Taking =
	/** Ask for this swap now. */
	| { may: "ask"; request: WitnessRequest }
	/** The holder has not been silent for long enough: ask again in so many milliseconds. */
	| { may: "later"; afterMs: number }
	/** This witness permits nothing to this node. */
	| { may: "never"; why: string }
	/** Not known yet: read first. */
	| { may: "unknown" };

/**
 * Going alone or taking over at `term` + 1. The holder needs no wait, so a living primary wins; the other must have
 * seen `beat` unchanged for T. A record of a lower term than the node's own permits nothing.
 *
 * @example
 * const may = taking(s.lease, config.node, records.term, atMs, config.timeoutMs);
 * if (may.may === "later") ctx.arm("witness", may.afterMs);
 */
export function taking(view: LeaseView, node: string, term: number, atMs: number, leaseMs: number): Taking {
	if (!view.known) return { may: "unknown" };
	const record = view.record;
	if (record === null) return { may: "never", why: "the witness has no record of this module" };
	if (record.term < term) return { may: "never", why: "the witness's record is older than the last session" };
	if (!record.current.includes(node)) {
		return { may: "never", why: `the witness names ${record.current.join(", ")} as the one that goes on` };
	}
	const waitedMs = atMs - view.sinceMs;
	// Whole milliseconds: what is left after a shorter wait could be too little to move the clock at all.
	if (record.holder !== node && waitedMs < leaseMs) return { may: "later", afterMs: Math.ceil(leaseMs - waitedMs) };
	const next = { term: record.term + 1, holder: node, current: [node], beat: record.beat + 1 };
	return { may: "ask", request: { ask: "swap", expectTerm: record.term, expectBeat: record.beat, record: next } };
}

/**
 * The record is the listing of the session that this node sources under `term`.
 *
 * @example
 * if (!isListing(s.lease.record, config.node, records.term)) renewNothing();
 */
export function isListing(record: WitnessRecord | null, node: string, term: number): boolean {
	return record !== null && record.term === term && record.holder === node && record.current.length === 2;
}

/**
 * Listing both after a resync (§5.8 step 5); null when the record already does, or is newer than this session. A
 * record of the session's own term that lists only one comes from a swap that nobody used before the two met: whoever
 * leaves this session takes a higher term. It is replaced as it was seen, not renewed for the other.
 *
 * @example
 * const request = listBoth(s.lease, "n1", "n2", records.term);
 * if (request !== null) ctx.effects.push({ type: "witness", request });
 */
export function listBoth(view: LeaseView, node: string, peer: string, term: number): WitnessRequest | null {
	if (!view.known) return { ask: "read" };
	const record = view.record;
	if (record !== null && (record.term > term || isListing(record, node, term))) return null;
	const beat = (record?.beat ?? 0) + 1;
	return {
		ask: "swap",
		expectTerm: record?.term ?? 0,
		...(record?.term === term ? { expectBeat: record.beat } : {}),
		record: { term, holder: node, current: [node, peer].sort(), beat },
	};
}

/**
 * How long the application may still run without a renewal and without a living link: until 2T/3 after the last, in
 * whole milliseconds, rather one less.
 *
 * @example
 * ctx.arm("lease", leaseLeftMs(s.lease, atMs, config.timeoutMs));
 */
export function leaseLeftMs(view: LeaseView, atMs: number, leaseMs: number): number {
	if (view.renewedMs < 0) return 0;
	return Math.max(0, Math.floor(view.renewedMs + (leaseMs * 2) / 3 - atMs));
}
