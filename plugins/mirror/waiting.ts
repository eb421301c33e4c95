/** WAIT: meet the other node, or start without it where the rules allow, or say what is missing. */
import { holdingWhy, mayStartAlone, type Refusal, refusal } from "../../sdk/index.ts";
import { askWitness } from "./ask.ts";
import type { Context } from "./context.ts";
import { joinOffer, meeting, offerSession } from "./meet.ts";
import { beginPrimary, beginSecond, beginStop } from "./passages.ts";
import { logForced, mustWaitForTime, syncAtWhy } from "./schedule.ts";
import { heardPeer, isHeard, type MirrorAnnouncement, type MirrorState, type WaitRule } from "./state.ts";

/** With no plan running. True if it began something. */
export function actWaiting(ctx: Context): boolean {
	const { s } = ctx;
	const peer = heardPeer(s);
	const holding = holdingWhy(s.holding);
	if (holding !== null && holding.rule !== null) return block(ctx, holding.rule, holding.why);
	if (s.held !== null) return block(ctx, null, s.held);
	// Without the first value of a resource nobody can say whether a rule holds the module: it starts no further.
	if (holding !== null) return false;
	if (peer?.degraded === true && peer.serves) {
		return block(
			ctx,
			"degraded_server",
			"The replication process of the other server died. Run safekit stop, then safekit start, there",
		);
	}
	if (s.goal === "prim" || s.goal === "primforce") return actPrim(ctx, peer);
	if (s.goal === "second" && secondFails(s, peer)) return abort(ctx, "SECOND_NO_PRIMARY", "no primary is running");
	return s.config.replicated ? actReplicated(ctx, peer) : actPlain(ctx, peer);
}

/** The time for hearing the other is over, or it is heard and known to be stopped. */
function peerIsAway(s: MirrorState, peer: MirrorAnnouncement | null): boolean {
	return peer === null ? s.waited : peer.main === "STOP";
}

function secondFails(s: MirrorState, peer: MirrorAnnouncement | null): boolean {
	if (peer === null) return s.waited;
	return !peer.serves && peer.offer === null && (peer.main === "STOP" || s.waited);
}

/** A person's order to be the primary (M6, M7). It listens first, like any start. */
function actPrim(ctx: Context, peer: MirrorAnnouncement | null): boolean {
	const { s } = ctx;
	if (peer === null && !s.waited) return false;
	if (peer?.serves === true) return abort(ctx, "PRIM_REMOTE_IS_PRIMARY", "the other server is the primary");
	if (!s.config.replicated) return go(ctx, () => beginPrimary(ctx, "ALONE", null));
	if (s.records === null) return false;
	if (s.goal === "prim" && s.records.copying) {
		const text = "Data may be inconsistent for replicated directories (stopped during reintegration)";
		ctx.log("rfsplug", "E", text);
		ctx.log("rfsplug", "E", forceHint("primforce"));
		return abort(ctx, "PRIM_INCONSISTENT", "this server's copy was interrupted half way");
	}
	const start = mayStartAlone(startQuestion(ctx));
	if (start.may === "yes" && s.goal === "prim") {
		return go(ctx, () => beginPrimary(ctx, "ALONE", { term: start.term, alone: true, force: false }));
	}
	return orderedPrimary(ctx);
}

/** Against the rules of data, on a person's word; with a lease witness the record is taken first. */
function orderedPrimary(ctx: Context): boolean {
	const { s } = ctx;
	const lowest = Math.max(s.records?.term ?? 0, heardPeer(s)?.records?.term ?? 0) + 1;
	const { lease } = s;
	if (!s.config.leaseWitness || !s.config.rules.witness) {
		return go(ctx, () => beginPrimary(ctx, "ALONE", { term: lowest, alone: true, force: true }));
	}
	if (!lease.known) {
		askWitness(ctx, { ask: "read" });
		return block(ctx, null, "Waiting for the lease witness before this server becomes primary");
	}
	const record = lease.record;
	if (record !== null && record.term >= lowest && record.holder === s.config.node && record.current.length === 1) {
		return go(ctx, () => beginPrimary(ctx, "ALONE", { term: record.term, alone: true, force: true }));
	}
	const term = Math.max(lowest, (record?.term ?? 0) + 1);
	const next = { term, holder: s.config.node, current: [s.config.node], beat: (record?.beat ?? 0) + 1 };
	askWitness(ctx, { ask: "swap", expectTerm: record?.term ?? 0, record: next });
	return block(ctx, null, "Waiting for the lease witness before this server becomes primary");
}

function go(ctx: Context, begin: () => void): boolean {
	if (ctx.s.goal === "prim" || ctx.s.goal === "primforce") ctx.s.session = null;
	begin();
	return true;
}

/** prim or second cannot be done: back to STOP, and the caller hears why. */
function abort(ctx: Context, code: Refusal["code"], why: string): boolean {
	const { s } = ctx;
	ctx.log("heart", "E", s.goal === "second" ? "Requested second start aborted" : "Requested prim start aborted");
	ctx.answer(s.request, refusal(code, `The start was aborted: ${why}`));
	s.request = null;
	beginStop(ctx, { again: false, action: "stop" });
	return true;
}

/** M1–M5 with replication. */
function actReplicated(ctx: Context, peer: MirrorAnnouncement | null): boolean {
	const { s } = ctx;
	if (s.records === null) return false;
	if (s.session?.source === true && s.session.accepted) {
		const { term } = s.session;
		return go(ctx, () => beginPrimary(ctx, "ALONE", { term, alone: false, force: false }));
	}
	if (mustWaitForTime(s)) return blockForTime(ctx);
	if (joinOffer(ctx)) return go(ctx, () => beginSecond(ctx));
	if (peer !== null && (peer.serves || peer.ready)) {
		const chosen = meeting(s);
		if (chosen !== null && !chosen.go) {
			// Two that may each start alone would both run the application: a person chooses first.
			const rival = peer.serves || peer.records?.alone != null;
			return !rival && s.waited && alone(ctx) ? true : blockByTable(ctx, chosen);
		}
		if (s.goal !== "second") offerSession(ctx);
		// A peer that does not answer an offer does not keep the last one who served from serving.
		return s.waited && !peer.serves && hasRight(s) ? alone(ctx) : false;
	}
	if (!peerIsAway(s, peer) && !(s.waited && hasRight(s))) {
		return s.waited
			? block(ctx, "notuptodate_server", "Waiting for the other server, which is starting or stopping")
			: false;
	}
	return alone(ctx);
}

/** rfs_syncat_wait (spec/06 §4). A person's `second` is answered: it will be one, at its time. */
function blockForTime(ctx: Context): boolean {
	const { s } = ctx;
	ctx.answer(s.request);
	s.request = null;
	if (s.rule !== "rfs_syncat_wait") ctx.log("heart", "C", "Action wait from failover rule rfs_syncat_wait");
	return block(ctx, "rfs_syncat_wait", syncAtWhy);
}

const hasRight = (s: MirrorState): boolean => s.records?.alone != null;

function startQuestion(ctx: Context) {
	const { s, event } = ctx;
	const records = s.records;
	if (records === null) throw new TypeError("the records are not open");
	const age = s.syncedWallMs === null ? null : event.wallMs - s.syncedWallMs;
	// A clock that was set back says nothing about the age.
	const syncAgeMs = age !== null && age >= 0 && peerIsAway(s, heardPeer(s)) ? age : null;
	return { config: s.config, records, lease: s.lease, syncAgeMs, atMs: event.atMs };
}

function alone(ctx: Context): boolean {
	const { s } = ctx;
	if (s.failoverHeld) {
		return block(
			ctx,
			null,
			'failover="off": a person has to run safekit stop, then safekit prim, to start the application here',
		);
	}
	if (s.goal === "second") return false;
	const start = mayStartAlone(startQuestion(ctx));
	if (start.may === "yes") {
		if (start.by === "syncdelta") logForced(ctx);
		s.session = null;
		beginPrimary(ctx, "ALONE", { term: start.term, alone: true, force: false });
		return true;
	}
	if (start.may === "ask") askWitness(ctx, start.request);
	if (start.may === "later") ctx.arm("witness", start.afterMs);
	return blockNotUptodate(ctx, start.may === "no" ? start.why : "waiting for the lease witness");
}

function blockByTable(ctx: Context, chosen: { why: string; commands: string[] }): boolean {
	return blockNotUptodate(ctx, `${chosen.why}; a person has to choose with: ${chosen.commands.join(" or ")}`);
}

const forceHint = (command: string): string =>
	`If you are sure that this server has valid data, run safekit ${command} to force start as primary`;

function blockNotUptodate(ctx: Context, why: string): boolean {
	const { s } = ctx;
	// A refused split keeps its rule while the other is still away (spec/01 §10).
	const rule: WaitRule = s.rule === "splitbrain_failure" && !isHeard(s) ? s.rule : "notuptodate_server";
	if (s.rule !== rule || s.status !== "NotReady") {
		const copying = s.records?.copying === true;
		ctx.log("heart", "C", `Action wait from failover rule ${rule}`);
		const inconsistent = "Data may be inconsistent for replicated directories (stopped during reintegration)";
		const text = "Data may be not uptodate for replicated directories (wait for the start of the remote server)";
		ctx.log("rfsplug", "E", copying ? inconsistent : text);
		ctx.log("rfsplug", "E", forceHint(copying ? "primforce" : "prim"));
	}
	return block(ctx, rule, `${why.charAt(0).toUpperCase()}${why.slice(1)}`);
}

/** Holds the module in WAIT (NotReady). */
function block(ctx: Context, rule: string | null, why: string): boolean {
	Object.assign(ctx.s, { rule, why, status: "NotReady" });
	ctx.blocked = true;
	return false;
}

const refusedSplit =
	"Waiting for the other server: when it was lost, no splitbrain witness answered. If it does not run the application, run safekit prim here";

/** Without replication: whoever serves stays; both at once: the last primary, then the first by name. */
function actPlain(ctx: Context, peer: MirrorAnnouncement | null): boolean {
	const { s } = ctx;
	if (peer?.serves === true) return go(ctx, () => beginSecond(ctx));
	// Refused to go on alone, a server does not start alone either (spec/01 §10).
	if (s.rule === "splitbrain_failure" && !isHeard(s)) return block(ctx, s.rule, refusedSplit);
	if (s.failoverHeld) {
		return block(
			ctx,
			null,
			'failover="off": a person has to run safekit stop, then safekit prim, to start the application here',
		);
	}
	if (s.goal === "second") return false;
	if (peer?.ready === true) {
		const mine = s.wasPrimary ? 1 : 0;
		const first = mine === peer.rank ? s.config.node < (s.config.peer ?? "") : mine > peer.rank;
		return first ? go(ctx, () => beginPrimary(ctx, "PRIM", null)) : false;
	}
	const held = s.waited && peer?.main === "WAIT" && peer.status === "NotReady";
	return held || peerIsAway(s, peer) ? go(ctx, () => beginPrimary(ctx, "ALONE", null)) : false;
}
