/** Takes what happened into the state, and says in the log what persons look for there. Decides nothing. */
import type { ModeConfig, ReplicationFact, Stamped } from "../../sdk/index.ts";
import { observe } from "../../sdk/index.ts";
import { usesLease } from "./ask.ts";
import type { Context } from "./context.ts";
import { countDeath, healed } from "./heal.ts";
import { startAsking } from "./loss.ts";
import { closeSyncAt, openSyncAt } from "./schedule.ts";
import { mountsAnswer } from "./silence.ts";
import { isHeard, type MirrorAnnouncement } from "./state.ts";

export function absorb(ctx: Context): void {
	const { s, event } = ctx;
	if (event.type === "heartbeat") absorbHeartbeat(ctx, event);
	else if (event.type === "configured") absorbConfiguration(ctx, event.config);
	else if (event.type === "peer") s.says = event.says as MirrorAnnouncement;
	else if (event.type === "replication") absorbFact(ctx, event.fact);
	else if (event.type === "ping") {
		s.ping = event.reachable ? "yes" : "no";
		if (!event.reachable) ctx.log("heart", "C", "Resource splitbrain.uptodate set to down by splitbraincheck");
		ctx.resource("splitbrain.uptodate", event.reachable ? "up" : "down");
	} else if (event.type === "witness") {
		s.askedWitness = false;
		s.lease = observe(s.lease, event.answer, event.atMs);
	} else if (event.type === "resource" && event.name === "rfs.syncat") {
		openSyncAt(ctx, event.value === "up", event.by);
	} else if (event.type === "timer") {
		if (event.name === "start") s.waited = true;
		if (event.name === "held") s.held = null;
	}
	logRemote(ctx);
}

function absorbHeartbeat(ctx: Context, event: Stamped & { type: "heartbeat" }): void {
	const { s } = ctx;
	if (s.heartbeats[event.ident] === event.up) return;
	s.heartbeats = { ...s.heartbeats, [event.ident]: event.up };
	const value = event.up ? "up" : "down";
	ctx.resource(`heartbeat.${event.ident}`, value);
	ctx.log("heart", event.up ? "I" : "E", `Resource heartbeat.${event.ident} set to ${value} by heart`);
	// A ping answer belongs to one isolation.
	if (event.up) {
		if (s.ping === "no" || s.rule === "splitbrain_failure") ctx.resource("splitbrain.uptodate", "up");
		s.ping = "idle";
	}
	// What the peer said before a silence is no news after it: it may have lost power and be stopped by now.
	else if (!isHeard(s)) s.says = null;
}

/** Of a heartbeat that is new nothing is known yet; one that is gone counts no more. */
function absorbConfiguration({ s }: Context, config: ModeConfig): void {
	s.config = config;
	s.heartbeats = Object.fromEntries(config.heartbeats.map((ident) => [ident, s.heartbeats[ident] ?? false]));
}

function logRemote(ctx: Context): void {
	const { s } = ctx;
	const says = isHeard(s) ? s.says : null;
	const remote = says === null ? "UNKNOWN Unknown" : `${says.main} ${says.status}`;
	if (remote === s.remote) return;
	s.remote = remote;
	ctx.resource("state.remote", remote);
	ctx.log("heart", "E", `Remote state ${remote}`);
}

function absorbFact(ctx: Context, fact: ReplicationFact): undefined {
	const { s } = ctx;
	switch (fact.fact) {
		case "opened":
			s.records = fact.records;
			s.opened = true;
			return mountsAnswer(ctx);
		case "records":
			s.records = fact.records;
			return;
		case "accepted":
			if (s.session?.source === true && s.session.term === fact.term) s.session = { ...s.session, accepted: true };
			return;
		case "synced":
			return absorbSynced(ctx, fact);
		case "serving":
			s.writable = s.serving;
			return healed(ctx);
		case "alone":
			s.loss = null;
			s.session = null;
			s.servedTerm = fact.term;
			ctx.disarm("permission", "lease");
			return;
		case "sealed":
		case "closed":
			return absorbEnd(ctx, fact.fact);
		case "linkLost":
			// Promotable says that the session was complete, also to a daemon that was away when it became so.
			if (s.session !== null && !s.session.source) {
				s.session = { ...s.session, spoilt: !fact.promotable, synced: s.session.synced || fact.promotable };
			}
			return;
		case "link":
			s.link = fact.up;
			return;
		default:
			return absorbTrouble(ctx, fact);
	}
}

function absorbSynced(ctx: Context, fact: { term: number; files: number; bytes: number }): undefined {
	const { s, event } = ctx;
	if (s.session === null || s.session.term !== fact.term || s.session.synced) return;
	s.session = { ...s.session, accepted: true, synced: true, spoilt: false, syncedMs: event.atMs };
	s.syncedWallMs = event.wallMs;
	s.fullsync = null;
	if (s.session.source) return;
	closeSyncAt(ctx);
	if (fact.files > 0) ctx.log("reintegre", "I", `Copied ${fact.files} files, ${Math.ceil(fact.bytes / 1024)} KB`);
	ctx.log("reintegre", "E", "Reintegration ended (synchronize)");
}

/** Nothing can be changed here any more: the other may rest on it. */
function absorbEnd(ctx: Context, fact: "sealed" | "closed"): undefined {
	const { s } = ctx;
	if (s.serving) s.ended = s.servedTerm;
	s.serving = false;
	s.writable = false;
	s.session = null;
	s.loss = null;
	s.sealing = false;
	s.healing = null;
	ctx.disarm("permission", "lease");
	if (fact === "closed") {
		s.opened = false;
		s.link = false;
	}
}

/** The session is in trouble; what follows is decided in loss.ts and secondary.ts. */
function absorbTrouble(ctx: Context, fact: ReplicationFact): undefined {
	const { s } = ctx;
	const source = s.session?.source === true && s.serving;
	// A daemon that was away may have missed that the session had become complete: only then there is a loss.
	if (source && s.session?.synced === false && (fact.fact === "frozen" || fact.fact === "peerLost")) {
		s.session = { ...s.session, accepted: true, synced: true, syncedMs: ctx.event.atMs };
	}
	switch (fact.fact) {
		case "frozen":
			// Frozen again: what was acknowledged in between is not on this disk yet.
			if (source && s.loss?.stage === "asking") return startAsking(ctx);
			if (!source || s.loss !== null) return;
			s.loss = { stage: "frozen", synchronised: false, by: null };
			ctx.arm("permission", s.config.lockTimeoutMs);
			ctx.log("rfsplug", "W", `Replication waits for the other server: ${fact.why}`);
			return;
		case "thawed":
			if (s.loss === null || s.loss.stage === "granted") return;
			// A swap may be on its way to the witness, after which the other is not listed: a new session lists it again.
			if (s.loss.stage === "asking" && usesLease(s)) return;
			s.loss = null;
			ctx.disarm("permission");
			ctx.log("rfsplug", "I", "Replication goes on: the other server is back");
			return;
		case "peerLost":
			if (!source || (s.loss !== null && s.loss.stage !== "frozen")) return;
			if (s.loss === null) ctx.arm("permission", s.config.lockTimeoutMs);
			return startAsking(ctx);
		case "synchronised":
			if (s.loss !== null) s.loss = { ...s.loss, synchronised: true };
			return;
		case "applyFailed":
			ctx.log("rfsplug", "E", `A replicated change could not be applied: ${fact.message}`);
			if (s.session !== null) s.session = { ...s.session, spoilt: true };
			return;
		case "died":
			countDeath(ctx, fact);
			s.opened = false;
			s.link = false;
			return;
		default:
			return;
	}
}
