import test from "ava";
import { countError, noErrors } from "../../core/engine/maxloop.ts";

const day = { maxloop: 3, loopIntervalMs: 86_400_000 };

test("the fourth error within the interval exceeds maxloop", (t) => {
	let counter = noErrors;
	const exceeded = [1, 2, 3, 4].map((hour) => {
		const counted = countError(counter, hour * 3_600_000, day);
		counter = counted.counter;
		return counted.exceeded;
	});
	t.deepEqual(exceeded, [false, false, false, true]);
});

test("an error after the interval is the first again", (t) => {
	const { counter } = countError({ count: 3, sinceWallMs: 1_000 }, 1_000 + day.loopIntervalMs, day);
	t.is(counter.count, 1);
});

test("a clock that was set back starts the count anew", (t) => {
	t.is(countError({ count: 3, sinceWallMs: 10_000 }, 5_000, day).counter.count, 1);
});

test("loop_interval 0 switches the counter off", (t) => {
	const off = { maxloop: 0, loopIntervalMs: 0 };
	t.deepEqual(countError({ count: 9, sinceWallMs: 1 }, 2, off), { counter: noErrors, exceeded: false });
});
