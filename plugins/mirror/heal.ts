/**
 * The replication process died (replication.md §5.9): the holder has its mounts, and a new process goes on with them.
 * Nothing stops: the application waits until the new process may serve, under a new term. The fourth death within a
 * minute is the degraded mode (spec/01 M21).
 */
import { usesLease } from "./ask.ts";
import { countsAsError } from "./commands.ts";
import type { Context } from "./context.ts";
import { serveOn, startAsking } from "./loss.ts";
import { offerSession } from "./meet.ts";
import { beginStop } from "./passages.ts";
import type { MirrorState } from "./state.ts";
import { processDiedText } from "./view.ts";

const mostDeaths = 3;
const withinMs = 60_000;

/** A daemon that was restarted while a new process was on its way finds none yet: that is no other death. */
export function countDeath(ctx: Context, { killed, absent }: { killed?: boolean; absent?: boolean }): void {
	const { s, event } = ctx;
	if (killed === true || (absent === true && !s.opened)) return;
	s.deaths = [...s.deaths.filter((atMs) => event.atMs - atMs < withinMs), event.atMs];
}

export function processDied(ctx: Context): undefined {
	const { s } = ctx;
	if (s.deaths.length <= mostDeaths) {
		if (s.phase === "secondary") return reopen(ctx);
		const leased = usesLease(s) && s.session?.synced === true;
		if (s.phase === "primary" && s.config.replicated && !s.degraded && !leased) {
			// Orders that were under way fail with the plan that gave them.
			if (s.writable || s.healing !== null) return heal(ctx);
		}
	}
	giveUp(ctx);
}

/** What it had received is gone: it is not promotable until it was synchronized again. */
function reopen(ctx: Context): undefined {
	const { s } = ctx;
	s.session = null;
	s.sealing = false;
	ctx.log("rfsplug", "E", "The replication process died and is started again");
	ctx.order({ order: "open", adopt: true });
}

/** The secondary's new process is on its way: until it has opened, no session can be. */
export function isReopening(s: MirrorState): boolean {
	return s.config.replicated && s.phase === "secondary" && !s.opened;
}

function heal(ctx: Context): undefined {
	const { s } = ctx;
	const term = Math.max(s.servedTerm, s.records?.term ?? 0);
	Object.assign(s, { healing: { term, ordered: false }, session: null, loss: null, writable: false });
	if (s.main === "PRIM") s.expecting = true;
	ctx.disarm("lease");
	ctx.arm("permission", s.config.lockTimeoutMs);
	ctx.log("rfsplug", "E", "The replication process died and is started again: changes wait");
	ctx.order({ order: "open", adopt: true });
}

/** M21 on a primary; elsewhere the module starts again. The mounts end, so that nobody waits in them for ever. */
export function giveUp(ctx: Context): undefined {
	const { s } = ctx;
	ctx.order({ order: "abandon" });
	s.healing = null;
	if (s.phase === "primary" && usesLease(s) && s.session?.synced === true) {
		// The other may take the record once it is not renewed, and without the process it cannot be: no degraded mode.
		ctx.log("rfsplug", "E", "The replication process died: the other server takes over");
		s.session = null;
		s.loss = null;
		ctx.disarm("permission", "lease");
		beginStop(ctx, { again: true, action: "stopwait", stage: "drop" });
	} else if (s.phase === "primary" || (s.phase === "stopping" && s.serving)) {
		Object.assign(s, { degraded: true, session: null, loss: null });
		ctx.disarm("permission", "lease");
		ctx.resource("rfs.degraded", "up");
		ctx.log("heart", "C", "Resource rfs.degraded set to up by nfsadmin");
		ctx.log("rfsplug", "E", processDiedText);
		if (s.phase === "primary") {
			s.main = "ALONE";
			s.expecting = false;
		}
	} else if (s.phase === "secondary" || s.phase === "waiting" || s.phase === "promoting") {
		s.session = null;
		ctx.log("rfsplug", "E", "The replication process died");
		if (!countsAsError(ctx)) beginStop(ctx, { again: true, action: "stopwait" });
	}
}

/**
 * The new process has the mounts: under which term does it go on? With the right to run alone, at once. Otherwise what
 * had two copies in memory goes to the disk first; then a session with the other server, or a permission (loss.ts).
 */
export function actHealing(ctx: Context): undefined {
	const { s } = ctx;
	const { healing, records } = s;
	if (healing === null || healing.ordered || !s.opened || records === null) return;
	if (records.alone !== null) return serveOn(ctx, Math.max(healing.term, records.term) + 1, true);
	if (s.session?.source === true && s.session.accepted) return serveOn(ctx, s.session.term, false);
	if (s.loss === null) startAsking(ctx);
	else if (s.loss.synchronised) offerSession(ctx);
}

/** The new process serves. */
export function healed(ctx: Context): undefined {
	if (ctx.s.healing === null) return;
	ctx.s.healing = null;
	ctx.disarm("permission");
	ctx.log("rfsplug", "I", "The new replication process goes on with the mounts");
}
