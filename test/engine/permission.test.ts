import test from "ava";
import { gaveUp, mayStartAlone, type Standing, sealedIn } from "../../core/engine/permission.ts";
import { type LeaseView, unseenLease } from "../../core/engine/witness.ts";
import { config, records } from "./records.ts";

const standing = (change: Partial<Standing> = {}): Standing => ({
	serves: false,
	records: records(),
	ended: 0,
	...change,
});

test("a seal counts for its own term, from a node that neither serves nor may start alone", (t) => {
	t.true(sealedIn(standing(), 5));
	t.false(sealedIn(standing(), 4));
	t.false(sealedIn(standing({ serves: true }), 5));
	t.false(sealedIn(standing({ records: null }), 5));
	t.false(sealedIn(standing({ records: records({ seal: "open" }) }), 5));
	t.false(sealedIn(standing({ records: records({ seal: { term: 4, seq: 1 } }) }), 5));
	t.false(sealedIn(standing({ records: records({ alone: { term: 5 } }) }), 5));
});

test("a peer that crashed in this term, or ended it, gave up; older words do not count", (t) => {
	const open = records({ seal: "open" });
	t.true(gaveUp(standing({ records: { ...open, crashed: true } }), 5));
	t.true(gaveUp(standing({ records: open, ended: 5 }), 5));
	t.false(gaveUp(standing({ records: open }), 5));
	t.false(gaveUp(standing({ records: { ...open, crashed: true } }), 6));
	t.false(gaveUp(standing({ records: { ...open, crashed: true }, ended: 5 }), 4));
	// A disk put back in time knows a lower term only, but says of this one that it is over.
	t.true(gaveUp(standing({ records: { ...open, crashed: true }, ended: 6 }), 6));
	t.false(gaveUp(standing({ records: { ...open, alone: { term: 3 } }, ended: 6 }), 6));
	t.false(gaveUp(standing({ records: { ...open, crashed: true, alone: { term: 5 } } }), 5));
});

const ask = (change: Partial<Parameters<typeof mayStartAlone>[0]> = {}) =>
	mayStartAlone({ config: config(), records: records(), lease: unseenLease, syncAgeMs: null, atMs: 50_000, ...change });

test("without a lease witness only `alone` permits a start, and syncdelta as documented", (t) => {
	t.deepEqual(ask({ records: records({ alone: { term: 5 } }) }), { may: "yes", by: "alone", term: 6 });
	t.is(ask().may, "no");
	t.is(ask({ records: records({ epoch: null, alone: { term: 5 } }) }).may, "no");
	t.is(ask({ records: records({ copying: true, alone: { term: 5 } }) }).may, "no");
	const ten = config({ syncDeltaMs: 600_000 });
	t.deepEqual(ask({ config: ten, syncAgeMs: 599_999 }), { may: "yes", by: "syncdelta", term: 6 });
	t.is(ask({ config: ten, syncAgeMs: 600_000 }).may, "no");
	t.is(ask({ config: ten, syncAgeMs: null }).may, "no");
	t.is(ask({ config: config({ syncDeltaMs: 60_000 }), syncAgeMs: 1 }).may, "no", "a minute or less is ignored");
});

const seen = (term: number, holder: string, current: string[]): LeaseView => ({
	known: true,
	record: { term, holder, current, beat: 7 },
	sinceMs: 10_000,
	renewedMs: -1,
});
const leased = config({ leaseWitness: true });

test("with a lease witness a start looks at the record first", (t) => {
	const alone = records({ alone: { term: 5 }, seal: "open" });
	t.deepEqual(ask({ config: leased, records: alone }), { may: "ask", request: { ask: "read" } });
	t.is(ask({ config: leased, records: alone, lease: seen(5, "node1", ["node1"]) }).may, "yes");
	t.is(ask({ config: leased, records: alone, lease: seen(6, "node2", ["node2"]) }).may, "no");
});

test("a record that names only this node, under a higher term, permits; not to a sealed node", (t) => {
	const open = records({ seal: "open", crashed: true });
	const lease = seen(6, "node1", ["node1"]);
	t.deepEqual(ask({ config: leased, records: open, lease }), { may: "yes", by: "witness", term: 6 });
	t.is(ask({ config: leased, records: records(), lease }).may, "no");
	t.is(ask({ config: leased, records: open, lease: seen(5, "node1", ["node1"]) }).may, "no", "not higher");
	t.is(ask({ config: leased, records: open, lease: seen(6, "node1", ["node1", "node2"]) }).may, "no");
});

test("with async=none a crashed node that is still listed takes the record by its rules", (t) => {
	const none = config({ leaseWitness: true, async: "none" });
	const open = records({ seal: "open", crashed: true });
	t.is(ask({ config: none, records: open, lease: seen(5, "node1", ["node1", "node2"]) }).may, "ask");
	t.is(ask({ config: none, records: open, lease: seen(5, "node2", ["node1", "node2"]), atMs: 13_000 }).may, "ask");
	t.deepEqual(ask({ config: none, records: open, lease: seen(5, "node2", ["node1", "node2"]), atMs: 12_000 }), {
		may: "later",
		afterMs: 1_000,
	});
	t.is(ask({ config: none, records: open, lease: seen(5, "node2", ["node2"]) }).may, "no");
	t.is(ask({ config: none, records: open, lease: seen(4, "node1", ["node1", "node2"]) }).may, "no", "lower term");
});
