/** SECOND: follow the source, seal when asked, take over when permitted, wait otherwise. */
import { gaveUp, grants, sealedIn, taking } from "../../sdk/index.ts";
import { askPing, askWitness, usesLease } from "./ask.ts";
import type { Context } from "./context.ts";
import { joinOffer } from "./meet.ts";
import { beginStop, beginTakeOver, blindRank, fullRank, pairing } from "./passages.ts";
import { give } from "./plans.ts";
import { hasHadItsTime } from "./schedule.ts";
import { heardPeer, isHeard, isIsolated, type MirrorAnnouncement, type MirrorState, type WaitRule } from "./state.ts";

/** What may not wait for a running plan. */
export function actSecondaryAtOnce(ctx: Context): void {
	const { s } = ctx;
	const wanted = heardPeer(s)?.wantSeal ?? 0;
	if (s.session !== null && wanted === s.session.term && !s.sealing) {
		s.sealing = true;
		ctx.order({ order: "seal" });
	}
	if (s.session?.synced !== true || !s.link) joinOffer(ctx);
}

/** With no plan running. True if it began something. */
export function actSecondary(ctx: Context): boolean {
	const { s } = ctx;
	const peer = heardPeer(s);
	if (peer?.degraded === true) return wait(ctx, "degraded_server");
	if (isPromotable(s) && hasHadItsTime(s)) return wait(ctx, "rfs_syncat_wait");
	if (isPromotable(s) || !s.config.rules.uptodate) return actPromotable(ctx, peer);
	if (s.sealing) return false;
	if (!s.config.replicated && peer?.serves === true) {
		s.session = { ...pairing };
		return true;
	}
	if (isIsolated(s)) return wait(ctx, "notuptodate_server");
	// In a swap the other is SECOND until it takes over; a source in WAIT offers what we join.
	const gone =
		peer !== null && !peer.serves && peer.offer === null && (peer.main !== "SECOND" || peer.swap === "handed");
	return gone && !(s.session?.accepted === true && s.link) ? wait(ctx, "notuptodate_server") : false;
}

export function isPromotable(s: MirrorState): boolean {
	return s.session !== null && !s.session.source && s.session.synced && !s.session.spoilt && !s.sealing;
}

/** M11 and its kin: this node cannot take over, so it stops and waits for the other. */
function wait(ctx: Context, rule: WaitRule): boolean {
	ctx.s.rule = rule;
	ctx.log("heart", "C", `Action wait from failover rule ${rule}`);
	beginStop(ctx, { again: true, action: "stopwait" });
	return true;
}

function actPromotable(ctx: Context, peer: MirrorAnnouncement | null): boolean {
	const { s } = ctx;
	if (s.config.replicated && s.link) return askForSwap(ctx);
	const term = s.session?.term ?? 0;
	if (peer !== null) {
		// Without replication the address must be gone there, which is what `serves` says.
		const stopped = peer.main === "WAIT" || peer.main === "STOP" || peer.swap === "handed";
		const sealed = s.config.replicated ? sealedIn(peer, term) : !peer.serves;
		const permitted = sealed || (!usesLease(s) && gaveUp(peer, term));
		if (stopped && permitted) return takeOver(ctx, "remote stop", peer.swap === "handed");
		if (usesLease(s) && gaveUp(peer, term)) return takeOver(ctx, "no heartbeat", false);
		return askForSwap(ctx);
	}
	if (isHeard(s) || !isIsolated(s)) return false;
	if (s.config.splitbrainPing && !usesLease(s)) {
		if (s.ping === "no") return wait(ctx, "splitbrain_failure");
		if (s.ping !== "yes") {
			askPing(ctx);
			return false;
		}
	}
	return takeOver(ctx, "no heartbeat", false);
}

/** M9, M10, M15, M20. */
function takeOver(ctx: Context, by: "no heartbeat" | "remote stop", swap: boolean): boolean {
	const { s } = ctx;
	if (!s.failover && !swap) {
		ctx.log("heart", "E", "Failover-off configured");
		ctx.log("heart", "C", "Action stopstart called by failover-off");
		ctx.log("heart", "E", "Transition STOPSTART from failover-off");
		s.failoverHeld = true;
		beginStop(ctx, { again: true, action: "stopstart" });
		return true;
	}
	if (!swap) ctx.log("heartplug", "C", `Action alone called by heart: ${by}`);
	// A secondary that asked for the swap has said so.
	else if (!s.expecting) ctx.log("heart", "E", "Begin of Swap");
	if (usesLease(s) && by === "no heartbeat") {
		s.phase = "promoting";
		ctx.arm("promotion", s.config.lockTimeoutMs);
		ctx.plan("promote", [give({ order: "promote" }, "promoted")]);
		return true;
	}
	const known = Math.max(s.session?.term ?? 0, s.records?.term ?? 0) + 1;
	const term = s.config.replicated ? known : by === "no heartbeat" ? blindRank : fullRank;
	beginTakeOver(ctx, { swap, term, promote: true });
	return true;
}

/** Promoted, and now the lease witness decides. */
export function actPromoting(ctx: Context): boolean {
	const { s, event } = ctx;
	const term = s.records?.term ?? 0;
	const peer = heardPeer(s);
	if (peer !== null && sealedIn(peer, term) && peer.main !== "PRIM" && peer.main !== "ALONE") {
		beginTakeOver(ctx, { swap: false, term: term + 1, promote: false });
		return true;
	}
	if (grants(s.lease, s.config.node, term)) {
		beginTakeOver(ctx, { swap: false, term: s.lease.record?.term ?? term + 1, promote: false });
		return true;
	}
	const may = taking(s.lease, s.config.node, term, event.atMs, s.config.timeoutMs);
	// The holder need not wait, but that is said of primaries: to a secondary its own record is one from before this session.
	const outdated = s.lease.known && s.lease.record?.holder === s.config.node;
	if (may.may === "never" || outdated || peer?.serves === true) return refuse(ctx);
	if (may.may === "ask") askWitness(ctx, may.request);
	else if (may.may === "unknown") askWitness(ctx, { ask: "read" });
	else ctx.arm("witness", may.afterMs);
	return false;
}

/** Promotion refused: seal (closing does), and WAIT. */
export function refuse(ctx: Context): boolean {
	return wait(ctx, "notuptodate_server");
}

/** M16: `defaultprim` names this node, or it was primary before its last stop. */
function askForSwap(ctx: Context): boolean {
	const { s } = ctx;
	if (s.swapped || s.expecting || heardPeer(s)?.main !== "PRIM") return false;
	const { defaultprim, node } = s.config;
	if (defaultprim !== node && !(defaultprim === "lastprim" && s.wasPrimary)) return false;
	// `expecting` on a secondary: the swap was asked for, in this session.
	s.expecting = true;
	s.wasPrimary = false;
	ctx.log("heart", "E", "Transition SWAP from defaultprim");
	ctx.log("heart", "E", "Begin of Swap");
	return false;
}
