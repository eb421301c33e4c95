import test from "ava";
import { bitsOf } from "../../../core/engine/farm/bits.ts";
import { Others } from "../../../core/engine/farm/others.ts";
import type { Entry } from "../../../core/engine/farm/pulse.ts";

const [tickMs, lossMs] = [25, 500];

/** What node 1 of two says about itself. */
function entryOf(beat: number, hears: boolean): Entry {
	const seen = bitsOf([hears, false]);
	const nothing = { open: "", resumed: false, leaving: false, leader: 1, leaderLife: 7, acked: 0 };
	return { node: 1, life: 7, beat, seen, ...nothing };
}

/** Ticks after which the node does not count any more. */
function lostAfter(others: Others, is: "sees" | "meets"): number {
	let ticks = 0;
	for (; others[is](1, lossMs) && ticks < 1000; ticks++) others.tick(tickMs);
	return ticks;
}

test("what is heard right before a tick is not a tick old: nobody is given up before its time", (t) => {
	for (const is of ["sees", "meets"] as const) {
		const others = new Others(2, 0, tickMs);
		others.hear(entryOf(1, true), true);
		// The first tick comes at once, so one more than the time has.
		t.is(lostAfter(others, is), lossMs / tickMs + 1);
	}
});

test("who does not say any more that it hears us is not met, and a repeated word counts for nothing", (t) => {
	const others = new Others(2, 0, tickMs);
	others.hear(entryOf(1, true), true);
	t.true(others.meets(1, lossMs));
	for (let ticks = 0; ticks < 10; ticks++) others.tick(tickMs);
	others.hear(entryOf(1, true), true);
	t.is(lostAfter(others, "meets"), lossMs / tickMs + 1 - 10);
	others.hear(entryOf(2, true), true);
	others.hear(entryOf(3, false), true);
	t.true(others.sees(1, lossMs));
	t.false(others.meets(1, lossMs));
});
