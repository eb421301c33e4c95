import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Life, VirtualClock } from "../../../sdk/testing/simulation/clock.ts";

test("calls come in their order, at their time, and a day takes no time", async (t) => {
	const clock = new VirtualClock();
	const said: string[] = [];
	const say = (word: string) => () => void said.push(`${word} ${clock.nowMs()}`);
	clock.after(3_600_000, say("late"));
	clock.after(20, say("first"));
	clock.after(20, say("second"));
	clock.after(10, say("never")).cancel();
	const begun = clock.wallMs();
	t.false(await clock.pass(86_400_000));
	t.deepEqual(said, ["first 20", "second 20", "late 3600000"]);
	t.is(clock.wallMs() - begun, 86_400_000);
});

test("time stands still while something real is under way", async (t) => {
	const clock = new VirtualClock();
	let due = false;
	clock.after(1, () => {
		due = true;
	});
	const real = clock.during(() => sleep(50).then(() => due));
	await clock.pass(1000);
	t.false(await real, "nothing came due meanwhile");
	t.true(due);
});

test("several may wait at once, each for something of its own", async (t) => {
	const clock = new VirtualClock();
	let count = 0;
	const tick = (): void => {
		count++;
		clock.after(1000, tick);
	};
	tick();
	const waits = [clock.pass(60_000, () => count >= 5), clock.pass(2500), clock.pass(60_000, () => count >= 3)];
	t.deepEqual(await Promise.all(waits), [true, false, true]);
	t.is(clock.nowMs(), 4000);
	await t.throwsAsync(
		clock.pass(60_000, () => {
			throw new Error("asked in vain");
		}),
		{ message: "asked in vain" },
	);
});

test("what goes in circles without time passing is given up", async (t) => {
	t.timeout(120_000);
	const clock = new VirtualClock();
	const again = (): void => void clock.after(0, again);
	again();
	await t.throwsAsync(clock.pass(1000), { message: /goes in circles at 0 ms/ });
});

test("what a server planned ends with its power", async (t) => {
	const clock = new VirtualClock();
	const life = new Life(clock);
	let calls = 0;
	life.after(10, () => calls++);
	life.end();
	life.after(10, () => calls++);
	await clock.pass(100);
	t.is(calls, 0);
});
