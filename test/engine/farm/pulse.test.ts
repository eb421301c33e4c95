import test from "ava";
import fc from "fast-check";
import { type Entry, type FarmPulse, readPulse, viewId, wireOf } from "../../../core/engine/farm/pulse.ts";
import { maxContentBytes } from "../../../core/heartbeat/packet.ts";

/** As large as the pulses of so many nodes get in a hundred years. */
function pulseOf(nodes: number): FarmPulse {
	const life = 3_700_000_000;
	const all = "f".repeat(Math.ceil(nodes / 4));
	const acked = viewId(life * 8 + 1_000_000, nodes - 1);
	const entries = Array.from({ length: nodes }, (_, node): Entry => {
		const said = { seen: all, open: "ff", resumed: true, leaving: true, leader: nodes - 1, leaderLife: life, acked };
		return { node, life, beat: 1_000_000_000, ...said };
	});
	const members = entries.map(({ node }) => [node, life] as const);
	return {
		basis: "0123456789abcdef",
		serving: true,
		entries,
		view: { id: acked, members, open: [all, all], wait: all },
	};
}

test("pulses of 16 nodes fit a packet whole, of 64 in turns", (t) => {
	const room = maxContentBytes - 160;
	const small = wireOf(pulseOf(16), room, 0);
	t.true(JSON.stringify(small).length <= room);
	t.true(small.k.length >= 12, `${small.k.length} of 16 nodes of the largest kind are in each pulse`);
	const told = new Set<number>();
	for (let from = 0; from < 64; from++) {
		const wire = wireOf(pulseOf(64), room, from);
		t.true(JSON.stringify(wire).length <= room);
		t.is(wire.k[0]?.[0], 0, "the own entry is always there");
		for (const entry of wire.k) told.add(entry[0]);
	}
	t.is(told.size, 64);
});

test("a pulse arrives as it was sent", (t) => {
	const pulse = pulseOf(5);
	t.deepEqual(readPulse(JSON.parse(JSON.stringify(wireOf(pulse, 1200, 0)))), pulse);
});

test("nothing else is taken for a pulse, and nothing makes the reader throw", (t) => {
	fc.assert(fc.property(fc.jsonValue(), (value) => readPulse(value) === null));
	const wire = JSON.parse(JSON.stringify(wireOf(pulseOf(3), 1200, 0)));
	fc.assert(
		fc.property(fc.constantFrom("b", "s", "k", "v"), fc.jsonValue(), (field, value) => {
			const read = readPulse({ ...wire, [field]: value });
			return read === null || read.entries.every(({ node, seen }) => node < 64 && seen.length <= 16);
		}),
	);
	for (const entry of [
		[64, 1, 1, "", "", 0, 0, 0, 0],
		[0, -1, 1, "", "", 0, 0, 0, 0],
		[0, 1, 1, "g", "", 0, 0, 0, 0],
		[],
	]) {
		t.is(readPulse({ ...wire, k: [entry] }), null);
	}
	for (const view of [
		[1, "1", [], [], ""],
		[1, "1", [1], [], ""],
		[64, "1", [1], "", ""],
		[0, "3", [1], [], ""],
	]) {
		t.is(readPulse({ ...wire, v: view }), null, "the leader is a member, and each member has a life");
	}
});
