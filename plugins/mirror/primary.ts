/** ALONE and PRIM: who joins, who leaves, what becomes of two primaries that see each other again. */

import { askPing } from "./ask.ts";
import type { Context } from "./context.ts";
import { meeting, offerSession } from "./meet.ts";
import { beginStop, fullRank } from "./passages.ts";
import { give, handOverSteps, joinSteps, partSteps } from "./plans.ts";
import { heardPeer, isHeard, type MirrorState } from "./state.ts";

/** What may not wait for a running plan. */
export function actPrimaryAtOnce(ctx: Context): void {
	if (ctx.s.config.replicated && ctx.s.serving && ctx.s.writable && !ctx.s.degraded) offerSession(ctx);
}

/** With no plan running. True if it began something. */
export function actPrimary(ctx: Context): boolean {
	const { s } = ctx;
	if (s.degraded || s.healing !== null) return false;
	if (meetOtherPrimary(ctx)) return true;
	if (s.expecting && !partnerComes(s)) s.expecting = false;
	const joined = hasSecondary(s);
	if (joined) s.expecting = false;
	if (joined && s.main === "ALONE") {
		s.main = "PRIM";
		ctx.plan("join", joinSteps());
		return true;
	}
	if (!joined && !s.expecting && s.main === "PRIM") return part(ctx);
	const peer = heardPeer(s);
	if (!joined) return false;
	if (!s.config.replicated) s.servedTerm = fullRank;
	return peer !== null && peer.main === "SECOND" && peer.swap === "ask" && s.loss === null ? beginSwap(ctx) : false;
}

/** The other is SECOND (Ready): the state PRIM. */
export function hasSecondary(s: MirrorState): boolean {
	if (s.config.replicated) return s.session?.source === true && s.session.synced;
	const peer = heardPeer(s);
	return peer?.main === "SECOND" && peer.status === "Ready";
}

/** After a swap, or when both started together: the other is heard and has not given up. */
function partnerComes(s: MirrorState): boolean {
	const peer = heardPeer(s);
	if (peer === null) return false;
	if (peer.main === "SECOND") return true;
	return !s.config.replicated && peer.main === "WAIT" && peer.status === "Transient";
}

function part(ctx: Context): boolean {
	const { s } = ctx;
	if (!s.config.replicated && !isHeard(s)) {
		if (s.config.splitbrainPing && s.ping !== "yes") {
			if (s.ping !== "no") {
				askPing(ctx);
				return false;
			}
			s.rule = "splitbrain_failure";
			ctx.log("heart", "C", "Action wait from failover rule splitbrain_failure");
			beginStop(ctx, { again: true, action: "stopwait", stage: "drop" });
			return true;
		}
		ctx.log("heartplug", "C", "Action alone called by heart: no heartbeat");
	} else if (!s.config.replicated) {
		ctx.log("heartplug", "C", "Action alone called by heart: remote stop");
	}
	s.main = "ALONE";
	ctx.plan("part", partSteps());
	return true;
}

/** M23, M24: two nodes serve and hear each other; or one serves data that is behind. */
function meetOtherPrimary(ctx: Context): boolean {
	const { s } = ctx;
	const peer = heardPeer(s);
	if (peer === null || s.loss !== null || hasSecondary(s)) return false;
	// It has accepted a session with this node: what it says of its data may be newer than what this node knows of its own.
	if (!peer.serves && s.session?.source === true && s.session.accepted) return false;
	if (s.config.replicated ? !peer.serves && !peer.ready : !peer.serves) {
		s.splitSeen = false;
		return false;
	}
	const stays = s.config.replicated ? staysByTable(ctx) : staysByRank(s);
	if (stays) {
		if (peer.serves && !s.splitSeen) {
			s.splitSeen = true;
			ctx.log("heart", "E", "Split brain recovery: staying alone");
		}
		return false;
	}
	ctx.log("heart", "E", "Split brain recovery: exiting alone");
	// Where the other serves too, it has the address: this node's goes before the application's stop scripts.
	beginStop(ctx, { again: true, action: "stopstart", ...(peer.serves ? { stage: "drop" } : {}) });
	return true;
}

function staysByTable(ctx: Context): boolean {
	const chosen = meeting(ctx.s);
	if (chosen === null || chosen.go) return chosen === null || chosen.source === "mine";
	ctx.s.why = `${chosen.why}; on the server whose data may be replaced: ${chosen.commands.join(" or ")}`;
	return true;
}

/** Without replication: the former primary stays, then the first by name. */
function staysByRank(s: MirrorState): boolean {
	const peer = heardPeer(s);
	const mine = s.servedTerm;
	const theirs = peer?.rank ?? 0;
	return mine === theirs ? s.config.node < (s.config.peer ?? "") : mine > theirs;
}

/** M15: stop the application, hand the data over, and come back as secondary. */
export function beginSwap(ctx: Context): boolean {
	const { s } = ctx;
	ctx.log("heart", "E", "Begin of Swap");
	const seal = s.config.replicated ? [give({ order: "seal" }, "sealed")] : [];
	ctx.plan("swap", [...handOverSteps(), ...seal]);
	return true;
}
