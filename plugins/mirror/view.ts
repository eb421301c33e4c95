/** What persons and the other node see of a mirror. */
import { heldRules, holdingWhy, type StateView } from "../../sdk/index.ts";
import { endedTerm } from "./meet.ts";
import { mustWaitForTime } from "./schedule.ts";
import { heardPeer, type MirrorAnnouncement, type MirrorState } from "./state.ts";

export function announce(s: MirrorState): MirrorAnnouncement {
	const session = s.session;
	const source = s.config.replicated && session?.source === true && (s.loss === null || s.healing !== null);
	// With replication a node held by failover="off" still meets: only the data decides who may be primary.
	const blocked =
		mustWaitForTime(s) || s.held !== null || holdingWhy(s.holding) !== null || (s.failoverHeld && !s.config.replicated);
	const settled = s.phase === "waiting" ? !blocked : s.phase === "secondary";
	const asking = s.loss?.stage === "asking" && session !== null && s.healing === null;
	return {
		main: s.main,
		status: s.status,
		records: s.records,
		serves: s.serving,
		ended: endedTerm(s),
		ready: settled && !s.serving && !s.sealing && (s.opened || !s.config.replicated),
		offer:
			source && !session.synced
				? {
						term: session.term,
						outcome: session.outcome,
						everything: session.everything,
						quarantine: session.quarantine,
					}
				: null,
		joining: session !== null && !session.source ? session.term : 0,
		wantSeal: asking ? session.term : 0,
		swap: swapWord(s),
		rank: s.serving ? s.servedTerm : s.wasPrimary ? 1 : 0,
		fullsync: s.fullsync,
		degraded: s.degraded,
	};
}

function swapWord(s: MirrorState): MirrorAnnouncement["swap"] {
	if (s.phase !== "secondary") return null;
	if (s.swapped && s.session?.synced !== true) return "handed";
	return s.expecting ? "ask" : null;
}

export function view(s: MirrorState): StateView {
	const peer = heardPeer(s);
	return {
		main: s.main,
		status: s.status,
		peer: { state: peer?.main ?? "UNKNOWN", status: peer?.status ?? "Unknown" },
		uptodate: s.config.replicated ? isUptodate(s) : null,
		rule: s.rule,
		why: why(s),
		loop: s.loop,
		held: heldRules(s.holding),
	};
}

/** The data here is the latest: this node serves, or it is the target of a complete session. */
export function isUptodate(s: MirrorState): boolean {
	if (s.serving) return !s.degraded;
	return s.phase === "secondary" && s.session?.synced === true && !s.session.spoilt && !s.sealing;
}

/** M21: the mount that the process served is dead until the stop takes it away, so that nothing is written beside it. */
export const processDiedText =
	"The replication process died: the application gets I/O errors in its replicated directories. Run safekit stop, then safekit start, on this server";

/** The sentence that a person reads. */
function why(s: MirrorState): string {
	if (s.phase === "stopped" || (s.phase === "waiting" && s.status === "NotReady")) return s.why;
	const peer = heardPeer(s);
	const name = s.config.peer ?? "the other server";
	if (s.healing !== null) return "The replication process died; a new one takes over, and changes wait for it";
	if (s.loss !== null) return `The connection to ${name} is lost; looking for the permission to go on alone`;
	switch (s.phase) {
		case "starting":
			return "Starting: scripts and replication are being prepared";
		case "waiting":
			if (holdingWhy(s.holding) !== null) return holdingWhy(s.holding)?.why ?? "";
			return peer === null ? `Waiting to hear ${name}` : `Agreeing with ${name} on who has the latest data`;
		case "promoting":
			return `Taking over from ${name}: waiting for the lease witness`;
		case "stopping":
			return s.stopping?.again ? "Stopping, to start again" : "Stopping";
		case "secondary":
			return whySecondary(s, name);
		default:
			return whyPrimary(s, name);
	}
}

function whySecondary(s: MirrorState, name: string): string {
	if (!s.config.replicated) return `Ready to take over from ${name}`;
	if (isUptodate(s)) return `The data is the same as on ${name}; ready to take over`;
	if (s.session === null) return `Waiting for ${name} to start the synchronization`;
	return s.link ? `Copying the changes from ${name}` : `Waiting for the replication's connection to ${name}`;
}

function whyPrimary(s: MirrorState, name: string): string {
	if (s.degraded) {
		return processDiedText;
	}
	if (s.main === "PRIM" && s.status === "Ready") return `The application runs here; ${name} is ready to take over`;
	if (s.plan?.kind === "swap") return `The application is being stopped here, to run on ${name}`;
	if (s.plan?.kind === "restart") return "The application is being stopped and started again here";
	if (s.status === "Transient") return "The application is being started here";
	const peer = heardPeer(s);
	if (peer === null) return `The application runs here; ${name} does not answer, so there is no second server now`;
	if (s.session !== null) return `The application runs here; ${name} is being synchronized`;
	if (peer.main === "STOP") return `The application runs here; the module is stopped on ${name}`;
	return `The application runs here; ${name} is not ready (${s.remote})`;
}
