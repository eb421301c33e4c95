/** Meeting the other node: from what both announce to a session, an offer, or a reason to wait (replication.md §5.7). */
import { isPutBack, type Meeting, meet, sessionOutcome } from "../../sdk/index.ts";
import type { Context } from "./context.ts";
import { heardPeer, type MirrorAnnouncement, type MirrorState, type Session } from "./state.ts";

/** The table as this node sees it; null while either side's records are not known. */
export function meeting(s: MirrorState): Meeting | null {
	const peer = heardPeer(s);
	if (peer === null || peer.records === null || s.records === null || s.config.peer === null) return null;
	const mine = { node: s.config.node, records: s.records, serves: s.serving, fullsync: s.fullsync };
	const theirs = { node: s.config.peer, records: peer.records, serves: peer.serves, fullsync: peer.fullsync };
	return meet(mine, theirs, s.config.rules.epoch);
}

/**
 * The last term in which this node served and stopped. One whose disk was put back in time knows nothing of the session
 * that the other one speaks of: whatever its part was, it is over.
 */
export function endedTerm(s: MirrorState): number {
	const theirs = heardPeer(s)?.records ?? null;
	if (theirs === null || s.records === null || s.serving || s.session !== null || !s.opened) return s.ended;
	const { term, alone } = s.records;
	return alone === null && isPutBack(s.records, theirs) && term < theirs.term ? theirs.term : s.ended;
}

/**
 * As the source: offers a session to a peer that is ready, and offers anew when what was offered is outdated. The term
 * is above both nodes', so a session that one side has already accepted is never repeated under its term.
 */
export function offerSession(ctx: Context): void {
	const { s } = ctx;
	const peer = heardPeer(s);
	if (peer === null || !peer.ready || peer.serves || s.records === null || peer.records === null) return;
	if (s.session?.synced === true || (s.loss !== null && s.healing === null)) return;
	const mine = s.session?.source === true ? s.session : null;
	if (mine !== null && peer.joining === mine.term) return;
	const chosen = meeting(s);
	// Accepted already, and the peer's words are older than that, or its disk is.
	const isOld = mine !== null && s.records.term === mine.term && peer.records.term < mine.term;
	if (isOld && (s.link || chosen?.outcome !== "ROLLED_BACK")) return;
	if (chosen === null || !chosen.go || chosen.source !== "mine") return;
	const term = Math.max(s.records.term, peer.records.term, s.servedTerm) + 1;
	const outcome = sessionOutcome(chosen.outcome);
	const offer = { term, outcome, everything: chosen.everything, quarantine: chosen.quarantine };
	if (mine === null || mine.term !== term || !isSame(mine, offer)) startSession(ctx, true, offer);
}

type Offer = NonNullable<MirrorAnnouncement["offer"]>;

const isSame = (a: Offer, b: Offer): boolean =>
	a.outcome === b.outcome && a.everything === b.everything && a.quarantine === b.quarantine;

/** As the target: joins what the source offers, if this node's own table says the same. True if it joined. */
export function joinOffer(ctx: Context): boolean {
	const { s } = ctx;
	const offer = heardPeer(s)?.offer ?? null;
	if (offer === null || s.records === null || s.serving || s.sealing || !s.opened) return false;
	const joined = s.session !== null && !s.session.source ? s.session : null;
	if (joined !== null && joined.term >= offer.term && (joined.term > offer.term || isSame(joined, offer))) return false;
	if (offer.term <= s.records.term) return false;
	const chosen = meeting(s);
	if (chosen === null || !chosen.go || chosen.source !== "theirs") return false;
	if (sessionOutcome(chosen.outcome) !== offer.outcome) return false;
	startSession(ctx, false, offer);
	return true;
}

function startSession(ctx: Context, source: boolean, offer: Offer): void {
	ctx.s.session = { ...offer, source, accepted: false, synced: false, syncedMs: 0, spoilt: false };
	orderSession(ctx, ctx.s.session);
}

/** Gives the order of a session, for the first time or again. */
export function orderSession(ctx: Context, session: Session): void {
	const { source, term, outcome, everything, quarantine } = session;
	ctx.order({ order: "session", source, term, outcome, everything, quarantine });
}
