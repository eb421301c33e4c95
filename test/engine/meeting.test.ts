/** The table as a whole; its rows have golden files in test/decisions. */
import test from "ava";
import fc from "fast-check";
import { declaredCheckpoints, type Meeting, meet, type Side } from "../../core/engine/meeting.ts";
import { records } from "./records.ts";

const epoch = fc.constantFrom("e1", "e2", "e3", "x");
const term = fc.integer({ min: 1, max: 4 });
const side = (node: string) =>
	fc.record<Side>({
		node: fc.constant(node),
		serves: fc.boolean(),
		fullsync: fc.constantFrom(null, null, "take", "give"),
		records: fc.record({
			tree: fc.constant(node),
			term,
			epoch: fc.option(fc.record({ current: epoch, base: epoch, history: fc.array(epoch, { maxLength: 2 }) })),
			role: fc.option(fc.record({ was: fc.constantFrom("primary", "secondary"), sinceTerm: term })),
			seal: fc.oneof(fc.constant("open" as const), fc.record({ term, seq: term })),
			alone: fc.option(fc.record({ term })),
			copying: fc.boolean(),
			checkpoint: fc.record({ own: term, peer: term }),
			crashed: fc.boolean(),
		}),
	});

const other = (meeting: Meeting): string => {
	if (!meeting.go) return "nobody";
	return meeting.source === "mine" ? "theirs" : "mine";
};

test("both nodes come to the same, whatever they bring", (t) => {
	fc.assert(
		fc.property(side("node1"), side("node2"), (mine, theirs) => {
			const one = meet(mine, theirs);
			const two = meet(theirs, mine);
			t.is(one.go, two.go);
			if (one.go && two.go) t.is(two.source, other(one) as "mine" | "theirs");
			if (one.go && two.go) t.deepEqual([one.everything, one.quarantine], [two.everything, two.quarantine]);
		}),
		{ seed: 7, numRuns: 5_000 },
	);
});

test("a half copied node is never a source, and nobody new overwrites somebody with a line of data", (t) => {
	fc.assert(
		fc.property(side("node1"), side("node2"), (mine, theirs) => {
			const meeting = meet(mine, theirs);
			if (!meeting.go) return;
			const source = meeting.source === "mine" ? mine : theirs;
			t.false(source.records.copying);
			t.not(source.records.epoch, null);
		}),
		{ seed: 8, numRuns: 5_000 },
	);
});

test("a disk put back in time: what it wrote since on its own is kept, and nothing of it is taken for equal", (t) => {
	const side = (node: string, change: Parameters<typeof records>[0]): Side => {
		return { node, records: records(change), serves: false, fullsync: null };
	};
	const now = side("node1", { checkpoint: { own: 9, peer: 9 } });
	const old = side("node2", { checkpoint: { own: 4, peer: 4 } });
	t.like(meet(now, old), { outcome: "ROLLED_BACK", source: "mine", everything: true, quarantine: false });
	const alone = side("node2", { checkpoint: { own: 4, peer: 4 }, alone: { term: 3 } });
	t.like(meet(now, alone), { outcome: "ROLLED_BACK", source: "mine", everything: true, quarantine: true });
	const own = side("node2", { checkpoint: { own: 4, peer: 4 }, epoch: { current: "e2", base: "e1", history: [] } });
	t.like(meet(now, own), { outcome: "ROLLED_BACK", source: "mine", everything: true, quarantine: true });
	// The whole copy is the older one: its marks do not reach back.
	const half = side("node1", { checkpoint: { own: 9, peer: 9 }, copying: true });
	t.like(meet(half, old), { outcome: "HALF_COPIED", source: "theirs", everything: true, quarantine: true });
	// A person said that the older one counts.
	const declared = side("node2", {
		checkpoint: { own: 4 + declaredCheckpoints, peer: 4 },
		epoch: { current: "e2", base: "e1", history: [] },
	});
	t.like(meet(now, declared), { outcome: "BEHIND", source: "theirs" });
});
