/** What a declaration (`rfssync external`) does to the records, and what the table of meetings makes of it. */
import test from "ava";
import { meet } from "../../core/engine/meeting.ts";
import { type Declaration, declaredRecords, isDeclared } from "../../core/replication/records/declared.ts";
import { mintedEpoch, type StoredRecords, sharedEpoch } from "../../core/replication/records/node.ts";

const paired: StoredRecords = {
	...{ tree: "aaaa", term: 7, epoch: { current: "e1", base: "e1", history: ["e0"] } },
	...{ role: { was: "primary", sinceTerm: 7 }, seal: { term: 7, seq: 0 }, alone: null, copying: false, keeping: false },
	checkpoint: { own: 100, peer: 90 },
};
const old: StoredRecords = { ...paired, role: { was: "secondary", sinceTerm: 7 }, checkpoint: { own: 90, peer: 100 } };
const given = (role: "prim" | "second", uid = "night", atMs = 1): Declaration => ({ role, uid, atMs, detect: true });

function declared(now: StoredRecords, declaration: Declaration): StoredRecords {
	const change = declaredRecords(now, declaration);
	if (typeof change === "string") throw new Error(change);
	return { ...now, ...change };
}

function meeting(primary: StoredRecords, other: StoredRecords) {
	const side = (node: string, records: StoredRecords, serves: boolean) => ({
		...{ node, serves, fullsync: null },
		records: { ...records, crashed: false },
	});
	return meet(side("a", primary, true), side("b", other, false));
}

test("only a copy of that name is compared by marks; what it was before does not matter", (t) => {
	const primary = declared(paired, given("prim"));
	for (const before of [old, { ...old, copying: true }, { ...old, epoch: null }, primary]) {
		const met = meeting(primary, declared(before, given("second", "night", 2)));
		t.like(met, { go: true, outcome: "PEER_BEHIND", source: "mine", everything: false, quarantine: false });
	}
	t.like(meeting(primary, old), { go: true, outcome: "FAR_BEHIND", everything: true });
	t.like(meeting(primary, declared(old, given("second", "other"))), { go: false, outcome: "UNRELATED" });
});

test("each name once, each declaration once, and none of a half copy", (t) => {
	const primary = declared(paired, given("prim"));
	t.true(isDeclared(primary, given("prim")));
	t.false(isDeclared(primary, given("prim", "night", 2)));
	t.regex(String(declaredRecords(primary, given("prim", "night", 2))), /before/);
	t.regex(String(declaredRecords({ ...paired, copying: true }, given("prim"))), /half way/);
	t.true(primary.term > paired.term, "what was decided before is refused");
});

test("a copy from before the last one, and a disk put back to the declaration, are compared whole", (t) => {
	const first = declared(paired, given("prim", "one"));
	const second = declared(first, given("prim", "two", 2));
	t.like(meeting(second, declared(old, given("second", "one", 3))), { outcome: "FAR_BEHIND", everything: true });
	// It served, and both had a session; then its disk is put back to the moment of the declaration, and it serves again.
	const copy = { ...declared(old, given("second", "one", 3)), epoch: sharedEpoch(first.epoch) };
	const again = { ...first, epoch: mintedEpoch(first.epoch, false) };
	t.like(meeting(again, copy), { outcome: "DIVERGED", everything: true, quarantine: true });
});
