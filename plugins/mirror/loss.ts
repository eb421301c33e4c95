/**
 * The primary lost its peer (replication.md §5.5): freeze and syncfs are done by the replication process; here a
 * permission is looked for, used the moment it is there, and given up in time.
 */
import { gaveUp, grants, sealedIn, taking } from "../../sdk/index.ts";
import { askPing, askWitness, usesLease } from "./ask.ts";
import type { Context } from "./context.ts";
import { beginStop } from "./passages.ts";
import { heardPeer, isIsolated, type WaitRule } from "./state.ts";

/** Looks for a permission while one is needed. Runs after every event, also while a plan runs. */
export function seekPermission(ctx: Context): undefined {
	const { s, event } = ctx;
	// Nothing at all is heard: the two seconds of trying again (§5.5 step 2) would only delay.
	if (s.loss?.stage === "frozen" && isIsolated(s)) startAsking(ctx);
	if (s.loss?.stage !== "asking" || !s.loss.synchronised || s.records === null) return;
	if (s.session === null && s.healing === null) return;
	const peer = heardPeer(s);
	// The session's term: the records may be a message behind.
	const term = s.healing?.term ?? Math.max(s.session?.term ?? 0, s.records.term);
	if (peer?.serves === true) return deny(ctx, "the other server serves already", null);
	if (peer !== null && sealedIn(peer, term)) return grant(ctx, term + 1, "remote stop");
	if (usesLease(s)) {
		if (grants(s.lease, s.config.node, term)) return grant(ctx, s.lease.record?.term ?? term + 1, "no heartbeat");
		const may = taking(s.lease, s.config.node, term, event.atMs, s.config.timeoutMs);
		if (may.may === "never" && isIsolated(s)) return deny(ctx, may.why, null);
		if (may.may === "ask") askWitness(ctx, may.request);
		else if (may.may === "unknown") askWitness(ctx, { ask: "read" });
		else if (may.may === "later") ctx.arm("witness", may.afterMs);
		return;
	}
	if (peer !== null && gaveUp(peer, term)) return grant(ctx, term + 1, "remote stop");
	if (!isIsolated(s)) return;
	if (!s.config.splitbrainPing || s.ping === "yes") return grant(ctx, term + 1, "no heartbeat");
	if (s.ping === "no") return deny(ctx, "no splitbrain witness answers", "splitbrain_failure");
	askPing(ctx);
}

/** §5.5 step 3 begins: what had two copies in memory goes to this disk. */
export function startAsking(ctx: Context): undefined {
	const { s } = ctx;
	s.loss = { stage: "asking", synchronised: !s.config.rules.sync, by: null };
	if (s.config.rules.sync) ctx.order({ order: "sync" });
}

function grant(ctx: Context, term: number, by: "no heartbeat" | "remote stop"): undefined {
	const { s } = ctx;
	if (s.healing !== null) {
		ctx.log("heartplug", "C", `Action alone called by heart: ${by}`);
		return serveOn(ctx, Math.max(term, (s.records?.term ?? 0) + 1, (s.session?.term ?? 0) + 1), true);
	}
	s.loss = { stage: "granted", synchronised: true, by };
	s.servedTerm = term;
	ctx.disarm("permission", "lease");
	ctx.log("heartplug", "C", `Action alone called by heart: ${by}`);
	ctx.order({ order: "goAlone", term });
}

/** No permission: nothing is acknowledged any more, the address goes first, then the application. */
export function deny(ctx: Context, why: string, rule: WaitRule | null): undefined {
	const { s } = ctx;
	ctx.order({ order: "fail" });
	ctx.disarm("permission", "lease");
	s.loss = null;
	s.healing = null;
	ctx.log("rfsplug", "E", `Without permission to go on alone: ${why}`);
	s.rule = rule;
	if (rule !== null) ctx.log("heart", "C", `Action wait from failover rule ${rule}`);
	s.why = `No permission to go on without the other server: ${why}`;
	if (s.phase === "primary") beginStop(ctx, { again: true, action: "stopwait", stage: "drop" });
	else if (s.stopping !== null && s.stopping.stage !== "drop") {
		// It was stopping anyway, at the pace of its scripts: the address may not wait for them.
		s.stopping = { ...s.stopping, stage: "drop" };
		if (s.plan !== null) ctx.effects.push({ type: "abortPlan", plan: s.plan.number });
	}
}

/** A process that took over mounts (heal.ts) may go on under this term. */
export function serveOn(ctx: Context, term: number, alone: boolean): undefined {
	const { s } = ctx;
	if (s.healing === null) return;
	s.healing = { ...s.healing, ordered: true };
	s.servedTerm = term;
	s.loss = null;
	if (alone) s.session = null;
	ctx.order({ order: "serve", term, alone });
}
