/**
 * When two nodes meet (replication.md §5.7): who is right, what is compared, and when a person has to decide. Pure and
 * symmetric: both nodes compute it from the same two sides and come to the same source.
 */
import type { Epoch, MeetingOutcome, NodeRecords } from "./replication.ts";

/** One of the two nodes. */
export interface Side {
	node: string;
	records: NodeRecords;
	/** Its application may be changing the data now. */
	serves: boolean;
	/** A person's order: `take` (second fullsync) overwrites this copy, `give` (prim fullsync) the other's. */
	fullsync: "take" | "give" | null;
}

/** What becomes of two nodes that meet: whose data counts, or why nobody may be chosen. */
export type Meeting =
	| { go: true; outcome: MeetingOutcome; source: "mine" | "theirs"; everything: boolean; quarantine: boolean }
	/** Nobody may be chosen: `why` is a sentence, `commands` are what a person may do, best first. */
	| { go: false; outcome: MeetingOutcome; why: string; commands: string[] };

type Who = "mine" | "theirs";
const other = (who: Who): Who => (who === "mine" ? "theirs" : "mine");

/**
 * The table, first line that applies. `mine` is this node: BEHIND means that this node is behind. With `epochs` false
 * (only for proofs) lines of data are taken for equal.
 *
 * @example
 * const meeting = meet(
 * 	{ node: "n1", records: mine, serves: true, fullsync: null },
 * 	{ node: "n2", records: theirs, serves: false, fullsync: null },
 * );
 * if (meeting.go && meeting.source === "mine") openSession(meeting.outcome);
 */
export function meet(mine: Side, theirs: Side, epochs = true): Meeting {
	const chosen = choose(mine, theirs, epochs);
	if (!chosen.go) return chosen;
	const full = mine.fullsync ?? theirs.fullsync;
	return full === null ? chosen : { ...chosen, everything: true };
}

/**
 * The name that both nodes use in their session orders: the outcome as the source sees it.
 *
 * @example
 * sessionOutcome("BEHIND"); // "PEER_BEHIND"
 */
export function sessionOutcome(outcome: MeetingOutcome): MeetingOutcome {
	return outcome === "BEHIND" ? "PEER_BEHIND" : outcome;
}

function choose(mine: Side, theirs: Side, epochs: boolean): Meeting {
	const a = mine.records;
	const b = theirs.records;
	if (a.epoch === null || b.epoch === null) return chooseNew(a, b);
	if (epochs && !related(a.epoch, b.epoch)) return chooseUnrelated(mine, theirs);
	if (a.copying || b.copying) return chooseHalfCopied(a, b);
	const back = chooseRolledBack(mine, theirs);
	if (back !== null) return back;
	if (epochs && a.epoch.current !== b.epoch.current) return chooseByEpoch(mine, theirs, a.epoch, b.epoch);
	return chooseEqual(mine, theirs);
}

const wait = (outcome: MeetingOutcome, why: string, commands: string[]): Meeting => ({
	go: false,
	outcome,
	why,
	commands,
});
const go = (outcome: MeetingOutcome, source: Who, everything = false, quarantine = false): Meeting => ({
	go: true,
	outcome,
	source,
	everything,
	quarantine,
});

function chooseNew(a: NodeRecords, b: NodeRecords): Meeting {
	if (a.epoch === null && b.epoch === null) {
		const why =
			"Neither server's data was ever declared valid: one of them has to become the primary for the first time";
		return wait("NEW", why, ["safekit prim"]);
	}
	const source: Who = a.epoch === null ? "theirs" : "mine";
	if ((source === "mine" ? a : b).copying) {
		return wait("NEW", "One server is new and the other's copy was interrupted half way", ["safekit primforce"]);
	}
	// What the new node holds was never part of this line: it is kept, not thrown away.
	return go("NEW", source, true, true);
}

function chooseUnrelated(mine: Side, theirs: Side): Meeting {
	const target = mine.fullsync === "take" ? "mine" : "theirs";
	if ((mine.fullsync === "take") !== (theirs.fullsync === "take")) {
		const source = target === "mine" ? theirs : mine;
		if (!source.records.copying && !(target === "mine" ? mine : theirs).serves) {
			return go("UNRELATED", other(target), true, true);
		}
	}
	const why = "The data of the two servers has no common history, so neither may overwrite the other";
	return wait("UNRELATED", why, ["safekit second fullsync"]);
}

function chooseHalfCopied(a: NodeRecords, b: NodeRecords): Meeting {
	if (a.copying && b.copying) {
		const why = "Both servers hold a copy that was interrupted half way";
		return wait("HALF_COPIED", why, ["safekit primforce"]);
	}
	const [half, whole] = a.copying ? [a, b] : [b, a];
	// The whole one is of old: its marks do not reach back, and what the half copied one has is nowhere else.
	const old = isPutBack(whole, half);
	return go("HALF_COPIED", a.copying ? "theirs" : "mine", old, old || half.keeping === true);
}

/**
 * By so much a person's word that a copy counts (`serve` with `force`) raises its checkpoint, more than there ever are:
 * it may be an older disk, put back on purpose, and is not put back in time any more.
 *
 * @example
 * const own = records.checkpoint.own + declaredCheckpoints;
 */
export const declaredCheckpoints = 1_000_000;

/**
 * The disk of `one` is older than a checkpoint that the other remembers (replication.md §5.3).
 *
 * @example
 * if (isPutBack(mine, theirs)) return "this disk is older than the other server remembers";
 */
export function isPutBack(one: NodeRecords, other: NodeRecords): boolean {
	return one.checkpoint.own < other.checkpoint.peer;
}

function chooseRolledBack(mine: Side, theirs: Side): Meeting | null {
	const mineBack = isPutBack(mine.records, theirs.records);
	const theirsBack = isPutBack(theirs.records, mine.records);
	if (!mineBack && !theirsBack) return null;
	const back = mineBack ? mine : theirs;
	if (mineBack && theirsBack) {
		return wait("ROLLED_BACK", "The disks of both servers were put back in time", ["safekit primforce"]);
	}
	if (back.serves) {
		const why = `The disk of ${back.node}, which runs the application, was put back in time`;
		return wait("ROLLED_BACK", why, [`safekit stop (on ${back.node})`]);
	}
	// What it wrote since then on its own is nowhere else.
	const [old, line] = [back.records.epoch, (mineBack ? theirs : mine).records.epoch];
	const wentOn = back.records.alone !== null || (old !== null && line !== null && !knows(line, old.current));
	return go("ROLLED_BACK", mineBack ? "theirs" : "mine", true, wentOn);
}

function chooseByEpoch(mine: Side, theirs: Side, a: Epoch, b: Epoch): Meeting {
	const mineKnown = a.current === b.base || b.history.includes(a.current);
	const theirsKnown = b.current === a.base || a.history.includes(b.current);
	if (mineKnown === theirsKnown) {
		// Both went on. With different bases (a person forced one of them twice) marks do not reach back: everything.
		// Each older than the other cannot be, except by copies of disks: then nobody's data is thrown away either.
		return go("DIVERGED", servingOrFormer(mine, theirs), mineKnown || a.base !== b.base, true);
	}
	if (mineKnown) return a.current === b.base ? go("BEHIND", "theirs") : go("FAR_BEHIND", "theirs", true);
	return b.current === a.base ? go("PEER_BEHIND", "mine") : go("FAR_BEHIND", "mine", true);
}

function chooseEqual(mine: Side, theirs: Side): Meeting {
	const a = mine.records;
	const b = theirs.records;
	if (mine.serves || theirs.serves) return go("SERVING", servingOrFormer(mine, theirs));
	const aIntact = intact(a);
	const bIntact = intact(b);
	if (aIntact && bIntact) {
		const sealed = a.seal !== "open" && b.seal !== "open";
		return go(sealed ? "EQUAL" : "RESUME", formerPrimary(mine, theirs));
	}
	if (!aIntact && !bIntact) {
		const source = a.term === b.term ? formerPrimary(mine, theirs) : a.term > b.term ? "mine" : "theirs";
		return go("BLACKOUT", source);
	}
	const source: Who = aIntact ? "mine" : "theirs";
	const primaryCrashed = formerPrimary(mine, theirs) !== source;
	return go(primaryCrashed ? "CRASHED_PRIMARY" : "CRASHED_SECONDARY", source);
}

/**
 * Sealed, or open without a crash since: nothing that it acknowledged is missing.
 *
 * @example
 * const mayGoOn = intact(records) && records.epoch !== null;
 */
export function intact(records: NodeRecords): boolean {
	return records.seal !== "open" || !records.crashed;
}

/**
 * If exactly one of them serves, it stays: a person may have ordered it, and its clients are there. Otherwise the
 * former primary.
 */
function servingOrFormer(mine: Side, theirs: Side): Who {
	if (mine.serves !== theirs.serves) return mine.serves ? "mine" : "theirs";
	return formerPrimary(mine, theirs);
}

/** Who was primary in the latest session that either of them remembers; then the higher term, then the name. */
function formerPrimary(mine: Side, theirs: Side): Who {
	const a = mine.records.role;
	const b = theirs.records.role;
	const aSince = a?.sinceTerm ?? -1;
	const bSince = b?.sinceTerm ?? -1;
	if (aSince !== bSince) {
		const later: Who = aSince > bSince ? "mine" : "theirs";
		const [last, first] = later === "mine" ? [mine, theirs] : [theirs, mine];
		const split = bothPrimary(mine, theirs) && (last.records.role?.sinceTerm ?? 0) <= first.records.term;
		// It took over while the other went on in the same term: the one that was primary before stays (spec/01 M23).
		if (split) return other(later);
		return last.records.role?.was === "primary" ? later : other(later);
	}
	if (a !== null && b !== null && a.was !== b.was) return a.was === "primary" ? "mine" : "theirs";
	if (mine.records.term !== theirs.records.term) return mine.records.term > theirs.records.term ? "mine" : "theirs";
	return mine.node < theirs.node ? "mine" : "theirs";
}

const bothPrimary = (a: Side, b: Side): boolean =>
	a.records.role?.was === "primary" && b.records.role?.was === "primary";

const knows = (line: Epoch, id: string): boolean => [line.current, line.base, ...line.history].includes(id);

function related(a: Epoch, b: Epoch): boolean {
	return [b.current, b.base, ...b.history].some((id) => knows(a, id));
}
