/** The table as a whole; its rows have golden files in test/decisions. */
import test from "ava";
import fc from "fast-check";
import { type Meeting, meet, type Side } from "../../core/engine/meeting.ts";

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
