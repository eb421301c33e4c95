/** What becomes of those who share a process or an isolate with somebody who brings it down. */
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { HostedChecker } from "../../core/sandbox/hosted.ts";
import type { Outcome } from "../../core/sandbox/run.ts";
import { input, judgeOf, makeSandbox, outsideOf } from "./sandbox.fixture.ts";

const killer = "if (ctx.state.kill) new Array(2 ** 29).fill(0); return up();";

async function until(what: () => boolean): Promise<void> {
	for (let tries = 0; tries < 600 && !what(); tries++) await sleep(100);
}

/** As a checker does: what is unknown is tried again. */
async function run(checker: HostedChecker, state: object = {}): Promise<Outcome> {
	for (;;) {
		const outcome = await checker.run({ ...input, state }, outsideOf(), judgeOf());
		if (outcome.state !== "unknown") return outcome;
		await sleep(100);
	}
}

test("who brings the process down is named and has one of its own from then on; the others go on", async (t) => {
	const it = makeSandbox();
	t.teardown(() => it.close());
	const [good, bad] = [it.add("return up();", '{ timeout: "60s" }'), it.add(killer, '{ timeout: "60s" }')];
	t.is((await run(good)).state, "up");
	t.is((await run(bad)).state, "up");
	const [before] = it.sandbox.pids();
	t.is((await run(bad, { kill: true })).state, "down");
	await until(() => bad.apart);
	t.true(bad.apart);
	t.false(good.apart);
	t.regex(it.reports.join("\n"), /the sandbox process has ended .* in web\/a\.ts/);
	t.is((await run(good)).state, "up");
	t.not(it.sandbox.pids()[0], before);
	t.is((await run(bad)).state, "up", "alone it may try again");
	t.is(it.sandbox.pids().length, 2);
	const shared = it.sandbox.pids()[0];
	t.is((await run(bad, { kill: true })).state, "down");
	await until(() => it.sandbox.pids().length === 1);
	t.is((await run(good)).state, "up");
	t.is(it.sandbox.pids()[0], shared, "nobody else noticed");
});

test("a process that is killed is started again; what it ran is unknown meanwhile", async (t) => {
	const it = makeSandbox();
	t.teardown(() => it.close());
	const waits = it.add("await ctx.service('x'); return up();", '{ timeout: "10m" }');
	let asked = false;
	const service = (): Promise<never> => {
		asked = true;
		return new Promise(() => {});
	};
	const never = waits.run(input, outsideOf({ service }), judgeOf());
	await until(() => asked);
	const good = it.add("return up();", '{ timeout: "60s" }');
	t.is((await run(good)).state, "up");
	process.kill(it.sandbox.pids()[0] as number, "SIGKILL");
	t.is((await never).state, "unknown");
	t.is((await run(good)).state, "up");
	t.false(waits.apart || good.apart, "nobody is to blame");
});

test("many of one module share isolates; one that devours memory takes nobody along for long, and shares no more", async (t) => {
	const it = makeSandbox();
	t.teardown(() => it.close());
	const body =
		"if (ctx.state.eat) { const a = []; for (;;) a.push(new Array(1e5).fill(1.5)); } globalThis.mine ??= ctx.state.name; return up(String(globalThis.mine));";
	const all = Array.from({ length: 40 }, () => it.add(body, '{ timeout: "60s" }'));
	const names = await Promise.all(all.map((each, name) => run(each, { name })));
	t.deepEqual(
		names.map(({ reason }) => reason),
		all.map((_, index) => String(index)),
		"each has its own globals",
	);
	t.is((await run(all[39] as HostedChecker, { eat: true })).state, "down");
	const again = await Promise.all(all.map((each, name) => run(each, { name })));
	t.true(again.every(({ state }) => state === "up"));
});

test("one that was always quick and then is not is cut short, judged on a thread of its own, and takes nobody along", async (t) => {
	const it = makeSandbox();
	t.teardown(() => it.close());
	const hostile = "if (ctx.state.loop) { await null; while (true); }";
	const good = it.add("return up();", '{ timeout: "60s" }');
	const bad = it.add(`${hostile} return up();`, '{ timeout: "60s" }');
	const asks = it.add(`await ctx.service("x"); ${hostile} return up();`, '{ timeout: "60s" }');
	for (let runs = 0; runs < 3; runs++) for (const each of [good, bad, asks]) t.is((await run(each)).state, "up");
	const pids = it.sandbox.pids();
	for (const each of [bad, asks]) {
		const { state, reason } = await run(each, { loop: true });
		t.is(state, "down");
		t.regex(reason, /more than 500 ms of a processor/);
	}
	t.is((await run(good)).state, "up");
	t.deepEqual(it.sandbox.pids(), pids, "no process had to end for that");
});

test("a checker that is removed in the middle of a run, and a sandbox that is closed, end well", async (t) => {
	const it = makeSandbox();
	const checker = it.add("while (true);", '{ timeout: "60s" }');
	const running = checker.run(input, outsideOf(), judgeOf());
	await sleep(200);
	checker.remove();
	t.is((await running).state, "unknown");
	const other = it.add("await ctx.service('x'); return up();", '{ timeout: "10m" }');
	const waiting = other.run(input, outsideOf({ service: () => new Promise(() => {}) }), judgeOf());
	await sleep(200);
	await it.close();
	t.is((await waiting).state, "unknown");
	t.deepEqual(it.sandbox.pids(), []);
});

test("a run that takes too long is down, whatever it waits for", async (t) => {
	const it = makeSandbox();
	t.teardown(() => it.close());
	const outside = { service: () => new Promise<never>(() => {}) };
	const { state, reason } = await it.once("await ctx.service('x'); return up();", {
		times: '{ timeout: "300ms" }',
		outside,
	});
	t.deepEqual([state, reason], ["down", "it did not finish within 300 ms"]);
});
