/** Tests are repeated at fixed times, one at a time, whatever they do. */

import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Pace } from "../../core/checkers/pace.ts";
import type { Verdict } from "../../core/checkers/probe.ts";
import { systemClock } from "../../core/log/clock.ts";

const up: Verdict = { up: true, why: "" };

test("slow tests do not shift the next ones", async (t) => {
	const begun: number[] = [];
	const from = performance.now();
	const probe = async (): Promise<Verdict> => {
		begun.push(performance.now() - from);
		await sleep(60);
		return up;
	};
	const pace = new Pace({ clock: systemClock, intervalMs: 100, timeoutMs: 90, probe, told: () => {} });
	await sleep(2050);
	pace.stop();
	// A machine under load may miss some; none may drift away from its time.
	t.true(begun.length >= 8 && begun.length <= 21, String(begun.length));
	// A timer may fire a moment early.
	const late = begun.map((ms) => (ms + 2) % 100).sort((x, y) => x - y);
	t.true((late[Math.floor(late.length / 2)] ?? 100) < 50, late.join(" "));
});

test("a test that hangs counts as down, runs alone, and the next one comes when it is over", async (t) => {
	let [running, most] = [0, 0];
	const told: Verdict[] = [];
	const probe = async (): Promise<Verdict> => {
		most = Math.max(most, ++running);
		// It does not care that it was given up.
		await sleep(450);
		running--;
		return up;
	};
	const pace = new Pace({
		clock: systemClock,
		intervalMs: 100,
		timeoutMs: 50,
		probe,
		told: (verdict) => told.push(verdict),
	});
	await sleep(2000);
	pace.stop();
	t.is(most, 1);
	t.true(told.length >= 2 && told.length <= 5, String(told.length));
	t.true(told.every((verdict) => !verdict.up && verdict.why === "no answer within 50 ms"));
});

test("what throws counts as down, and after a stop nothing is told", async (t) => {
	const told: Verdict[] = [];
	const probe = (): Promise<Verdict> => Promise.reject(new Error("boom"));
	const pace = new Pace({
		clock: systemClock,
		intervalMs: 10_000,
		timeoutMs: 50,
		probe,
		told: (verdict) => told.push(verdict),
	});
	for (let waited = 0; told.length === 0 && waited < 500; waited++) await sleep(10);
	t.deepEqual(told, [{ up: false, why: "boom" }]);
	pace.stop();
	let aborted = false;
	const hanging = (signal: AbortSignal): Promise<Verdict> =>
		new Promise((resolve) => {
			signal.addEventListener("abort", () => {
				aborted = true;
				resolve(up);
			});
		});
	const second = new Pace({
		clock: systemClock,
		intervalMs: 10_000,
		timeoutMs: 9000,
		probe: hanging,
		told: (verdict) => told.push(verdict),
	});
	await sleep(100);
	second.stop();
	await sleep(50);
	t.true(aborted);
	t.is(told.length, 1);
});
