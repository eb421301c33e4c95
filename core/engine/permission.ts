/**
 * When a node that serves may go on without its peer, or a secondary may take over, and when a node may start without
 * having met the other (replication.md §5.5, §5.6). Pure; times in milliseconds.
 */
import type { ModeConfig, WitnessRequest } from "./contract.ts";
import type { NodeRecords } from "./replication.ts";
import { grants, type LeaseView, taking } from "./witness.ts";

/** What the other node says of itself, as far as permissions rest on it. */
export interface Standing {
	serves: boolean;
	records: NodeRecords | null;
	/** The highest term in which it served and stopped serving. */
	ended: number;
}

/**
 * (a) The peer's durable seal for this very term: it will not start without meeting us.
 *
 * @example
 * if (sealedIn(peer, records.term)) goAlone(ctx);
 */
export function sealedIn(peer: Standing, term: number): boolean {
	const records = peer.records;
	if (peer.serves || records === null || records.term !== term || records.alone !== null) return false;
	return records.seal !== "open" && records.seal.term === term;
}

/**
 * The peer's own word, of this very term, that it lost or ended its part of the session: it crashed since, or stopped
 * serving. Its records let it start only after meeting us, except by a lease witness: not used where there is one.
 *
 * @example
 * if (gaveUp(peer, records.term)) goAlone(ctx);
 */
export function gaveUp(peer: Standing, term: number): boolean {
	const records = peer.records;
	if (peer.serves || records === null || records.term > term || records.alone !== null) return false;
	// Lower: its disk was put back in time, and it says so of this very term.
	return peer.ended === term || (records.term === term && records.crashed);
}

/** Whether a node may start without its peer: now, after a question to the witness, later (milliseconds), or not. */
export type Start =
	| { may: "yes"; by: "alone" | "witness" | "syncdelta"; term: number }
	| { may: "ask"; request: WitnessRequest }
	| { may: "later"; afterMs: number }
	| { may: "no"; why: string };

/** What the start rules look at. */
export interface StartQuestion {
	config: ModeConfig;
	records: NodeRecords;
	lease: LeaseView;
	/** Since the data was known to be the same on both servers; null: never. */
	syncAgeMs: number | null;
	atMs: number;
}

const waitForPeer = "this server cannot know whether it has the latest data, and waits for the other server";

/**
 * §5.6, start without a peer.
 *
 * @example
 * const start = mayStartAlone({ config, records, lease: unseenLease, syncAgeMs: null, atMs });
 * if (start.may === "no") wait(start.why);
 */
export function mayStartAlone(question: StartQuestion): Start {
	const { config, records } = question;
	if (records.epoch === null) return { may: "no", why: "this server's data was never declared valid" };
	const next = records.term + 1;
	if (!config.rules.uptodate) return { may: "yes", by: "alone", term: next };
	if (records.copying) return { may: "no", why: "this server's copy was interrupted half way" };
	if (config.leaseWitness && config.rules.witness) return startByLease(question);
	if (records.alone !== null) return { may: "yes", by: "alone", term: next };
	if (question.syncAgeMs !== null && question.syncAgeMs < syncDelta(config)) {
		return { may: "yes", by: "syncdelta", term: next };
	}
	return { may: "no", why: waitForPeer };
}

/** `syncdelta` of a minute or less is ignored, as documented (spec/06 §2). */
function syncDelta(config: ModeConfig): number {
	return config.syncDeltaMs > 60_000 ? config.syncDeltaMs : 0;
}

function startByLease({ config, records, lease, syncAgeMs, atMs }: StartQuestion): Start {
	if (!lease.known) return { may: "ask", request: { ask: "read" } };
	const recorded = lease.record?.term ?? 0;
	if (records.alone !== null && recorded <= records.term) return { may: "yes", by: "alone", term: records.term + 1 };
	// A sealed node gave up this right: its swap may have reached the witness after it sealed.
	const mayUse = records.alone !== null || records.seal === "open";
	if (mayUse && grants(lease, config.node, records.term)) return { may: "yes", by: "witness", term: recorded };
	const fresh = syncAgeMs !== null && syncAgeMs < syncDelta(config);
	if (records.seal === "open" && (config.async === "none" || fresh)) {
		const may = taking(lease, config.node, records.term, atMs, config.timeoutMs);
		if (may.may === "ask" || may.may === "later") return may;
		if (may.may === "never") return { may: "no", why: `${waitForPeer} (${may.why})` };
	}
	return { may: "no", why: waitForPeer };
}
