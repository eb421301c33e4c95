import test from "ava";
import type { WitnessRecord } from "../../core/engine/contract.ts";
import { grants, isListing, leaseLeftMs, listBoth, observe, taking, unseenLease } from "../../core/engine/witness.ts";

const record = (change: Partial<WitnessRecord> = {}): WitnessRecord => ({
	term: 5,
	holder: "node1",
	current: ["node1", "node2"],
	beat: 3,
	...change,
});
const read = (given: WitnessRecord | null, atMs: number, before = unseenLease) =>
	observe(before, { got: "record", record: given }, atMs);

test("the holder takes the record at once, the other only after T without a beat", (t) => {
	const view = read(record(), 1_000);
	t.deepEqual(taking(view, "node1", 5, 1_000, 3_000), {
		may: "ask",
		request: {
			ask: "swap",
			expectTerm: 5,
			expectBeat: 3,
			record: { term: 6, holder: "node1", current: ["node1"], beat: 4 },
		},
	});
	t.deepEqual(taking(view, "node2", 5, 1_000, 3_000), { may: "later", afterMs: 3_000 });
	const same = read(record(), 3_500, view);
	t.deepEqual(taking(same, "node2", 5, 3_999, 3_000), { may: "later", afterMs: 1 });
	t.is(taking(same, "node2", 5, 4_000, 3_000).may, "ask");
	const beaten = read(record({ beat: 4 }), 3_900, same);
	t.deepEqual(taking(beaten, "node2", 5, 4_000, 3_000), { may: "later", afterMs: 2_900 }, "a beat starts it anew");
});

test("a record that was lost, is older, or names others permits nothing", (t) => {
	t.is(taking(read(null, 0), "node1", 5, 0, 3_000).may, "never");
	t.is(taking(read(record({ term: 4 }), 0), "node1", 5, 0, 3_000).may, "never");
	t.is(taking(read(record({ current: ["node2"] }), 0), "node1", 5, 0, 3_000).may, "never");
	const lost = observe(read(record(), 0), { got: "unreachable" }, 10);
	t.is(taking(lost, "node1", 5, 20, 3_000).may, "unknown");
});

test("a swap whose answer was lost is found in the record", (t) => {
	const view = observe(read(record(), 0), { got: "refused", record: record({ term: 6, current: ["node1"] }) }, 10);
	t.true(grants(view, "node1", 5));
	t.false(grants(view, "node2", 5));
	t.false(grants(view, "node1", 6));
});

test("both are listed under the session's term, and never over a newer record", (t) => {
	t.deepEqual(listBoth(read(record({ term: 4, current: ["node1"] }), 0), "node1", "node2", 6), {
		ask: "swap",
		expectTerm: 4,
		record: { term: 6, holder: "node1", current: ["node1", "node2"], beat: 4 },
	});
	t.is(listBoth(read(record({ term: 6 }), 0), "node1", "node2", 6), null);
	t.deepEqual(listBoth(unseenLease, "node1", "node2", 6), { ask: "read" });
	t.like(listBoth(read(null, 0), "node1", "node2", 6), { expectTerm: 0 });
});

test("a record of the session's own term that names one node is older than the session, and is replaced as it was seen", (t) => {
	for (const holder of ["node1", "node2"]) {
		const unused = record({ holder, current: [holder] });
		t.false(isListing(unused, "node1", 5));
		t.deepEqual(listBoth(read(unused, 0), "node1", "node2", 5), {
			ask: "swap",
			expectTerm: 5,
			expectBeat: 3,
			record: { term: 5, holder: "node1", current: ["node1", "node2"], beat: 4 },
		});
	}
	t.true(isListing(record(), "node1", 5));
	t.is(listBoth(read(record(), 0), "node1", "node2", 5), null);
	t.is(listBoth(read(record({ term: 6, holder: "node2", current: ["node2"] }), 0), "node1", "node2", 5), null);
});

test("times are whole milliseconds: the wait rather one more, the lease rather one less", (t) => {
	const waits = taking(read(record(), 0.25), "node2", 5, 2_999.5, 3_000);
	t.deepEqual(waits, { may: "later", afterMs: 1 });
	const view = observe(unseenLease, { got: "swapped", record: record(), askedAtMs: 900 }, 1_000);
	t.is(leaseLeftMs(view, 1_000, 2_000), 1_233);
	t.is(leaseLeftMs(view, 2_233, 2_000), 0);
});

test("the lease ends two thirds of T after the last renewal was asked for", (t) => {
	const view = observe(unseenLease, { got: "swapped", record: record(), askedAtMs: 900 }, 1_000);
	t.is(leaseLeftMs(view, 1_000, 3_000), 1_900);
	t.is(leaseLeftMs(view, 5_000, 3_000), 0);
	t.is(leaseLeftMs(unseenLease, 0, 3_000), 0);
});
