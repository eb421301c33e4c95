/** Questions to witnesses, and the clockwork of the lease (replication.md §6). */
import type { WitnessRequest } from "../../sdk/index.ts";
import { isListing, leaseLeftMs, listBoth } from "../../sdk/index.ts";
import type { Context } from "./context.ts";
import type { MirrorState } from "./state.ts";

export function usesLease(s: MirrorState): boolean {
	return s.config.leaseWitness && s.config.rules.witness && s.config.replicated;
}

/** One question at a time; the answer, or `unreachable`, always comes. */
export function askWitness(ctx: Context, request: WitnessRequest): void {
	if (ctx.s.askedWitness) return;
	ctx.s.askedWitness = true;
	ctx.effects.push({ type: "witness", request });
}

export function askPing(ctx: Context): void {
	if (ctx.s.ping !== "idle") return;
	ctx.s.ping = "asked";
	ctx.effects.push({ type: "ping" });
}

/** Every T/3: renew as primary, list both after a resync, otherwise look at the record, so that its age is known. */
export function tickLease(ctx: Context): void {
	const { s } = ctx;
	if (!usesLease(s) || s.phase === "stopped") return;
	ctx.arm("witness", Math.ceil(s.config.timeoutMs / 3));
	// Frozen it still renews: the holder who lives keeps the first word.
	const session = s.serving && (s.loss === null || s.loss.stage === "frozen") ? s.session : null;
	if (session?.source === true && session.synced) {
		const renew = s.lease.known && isListing(s.lease.record, s.config.node, session.term);
		askWitness(ctx, renew ? { ask: "renew", term: session.term } : nextListing(s, session.term));
	} else if (!s.serving || s.loss !== null) {
		askWitness(ctx, { ask: "read" });
	}
}

function nextListing(s: MirrorState, term: number): WitnessRequest {
	return listBoth(s.lease, s.config.node, s.config.peer ?? "", term) ?? { ask: "read" };
}

/** A primary in a session may run until 2T/3 after its last renewal; a living link needs none. */
export function watchLease(ctx: Context): void {
	const { s, event } = ctx;
	const session = s.session;
	if (!usesLease(s) || !s.serving || session?.source !== true || !session.synced || s.link) return;
	if (s.loss?.stage === "granted") return;
	ctx.arm("lease", leaseLeft(s, event.atMs));
}

/** Without a confirmed renewal in this session the time counts from its completion: the listing may have been lost. */
export function leaseLeft(s: MirrorState, atMs: number): number {
	const from = Math.max(s.lease.renewedMs, s.session?.syncedMs ?? 0);
	return leaseLeftMs({ ...s.lease, renewedMs: from }, atMs, s.config.timeoutMs);
}
