/** The two policies of when copies have to be the same (spec/06 §4): syncdelta and syncat. */
import type { Context } from "./context.ts";
import { meeting } from "./meet.ts";
import { heardPeer, type MirrorState } from "./state.ts";

/** How often the date of the last common state is moved on, and its age looked at. Far below the least syncdelta. */
const everyMs = 15_000;
/** Documented: a syncdelta of a minute or less is ignored. */
const ignoredMs = 60_000;

const usesSyncDelta = (s: MirrorState): boolean => s.config.replicated && s.config.syncDeltaMs > ignoredMs;

/**
 * The checker syncedcheck: `rfs.synced` is up while the data is consistent and was the same on both servers less than
 * syncdelta ago. The date is kept through a power cut, which is what it is for.
 */
export function checkSynced(ctx: Context, before: MirrorState): void {
	const { s, event } = ctx;
	if (!usesSyncDelta(s)) return;
	const started = before.phase === "stopped" && s.phase !== "stopped";
	const due = event.type === "resumed" || (event.type === "timer" && event.name === "synced");
	if (s.phase !== "stopped" && (started || due)) ctx.arm("synced", everyMs);
	if (s.syncedWallMs !== before.syncedWallMs && (due || before.syncedWallMs === null)) ctx.durable();
	const ageMs = s.syncedWallMs === null ? Number.POSITIVE_INFINITY : event.wallMs - s.syncedWallMs;
	// A clock that was set back says nothing about the age.
	const fresh = s.records !== null && !s.records.copying && ageMs >= 0 && ageMs < s.config.syncDeltaMs;
	if (fresh === s.fresh) return;
	s.fresh = fresh;
	ctx.resource("rfs.synced", fresh ? "up" : "down");
	ctx.log("heart", fresh ? "I" : "C", `Resource rfs.synced set to ${fresh ? "up" : "down"} by syncedcheck`);
}

/** The rule rfs_forceuptodate let this node start: said where a person looks for the reason. */
export function logForced(ctx: Context): void {
	ctx.log("heart", "C", "Resource rfs.uptodate set to up by failover rule rfs_forceuptodate");
}

/** The rule rfs_syncat_wait holds this node: the other serves, and it is not time to follow it. */
export function mustWaitForTime(s: MirrorState): boolean {
	if (!s.config.syncAt || s.syncAtOpen || !s.config.replicated) return false;
	if (heardPeer(s)?.serves !== true) return false;
	const chosen = meeting(s);
	return chosen?.go === true && chosen.source === "theirs";
}

export const syncAtWhy =
	"The next synchronization is scheduled by syncat; `safekit set -r rfs.syncat -v up` on this server begins it now";

/** The resource `rfs.syncat`: opened by the schedule or a person, closed by the synchronization it let through. */
export function openSyncAt(ctx: Context, open: boolean, by: string): void {
	const { s } = ctx;
	if (!s.config.syncAt) return;
	// Where this node is no secondary to be, there is nothing to let through.
	const useful = s.phase === "waiting" || s.phase === "starting" || (s.phase === "stopping" && s.stopping?.again);
	s.syncAtOpen = open && useful === true;
	if (s.syncAtOpen) ctx.log("heart", "I", `Resource rfs.syncat set to up by ${by}`);
	if (open && !s.syncAtOpen) ctx.resource("rfs.syncat", "down");
}

/** A module that starts shows what holds: its resources may be from before a reboot. */
export function showSyncAt(ctx: Context, before: MirrorState): void {
	const { s } = ctx;
	const started = before.phase === "stopped" && s.phase !== "stopped";
	if (started && s.config.syncAt) ctx.resource("rfs.syncat", s.syncAtOpen ? "up" : "down");
}

/** A copy that was complete is cut off from the source again, until the next time. */
export function closeSyncAt(ctx: Context): void {
	const { s } = ctx;
	if (!s.config.syncAt) return;
	s.syncAtOpen = false;
	ctx.resource("rfs.syncat", "down");
}

/** Synchronized, and not to follow any longer: back to WAIT. */
export function hasHadItsTime(s: MirrorState): boolean {
	return s.config.syncAt && !s.syncAtOpen && s.config.replicated && heardPeer(s)?.serves === true;
}
