/** How long the data thread looks for work before it sleeps. */
import { spawnSync } from "node:child_process";
import test from "ava";
import { Patience } from "../../../core/replication/loop/patience.ts";

test("looking that brings nothing gets shorter, work that comes soon after it makes it longer again", (t) => {
	const patience = new Patience();
	const first = patience.budgetMs;
	for (let now = 0; now < 20_000; now += 1000) {
		patience.worked(now);
		let after = 0;
		while (patience.looks(now + after)) after += 0.005;
		t.true(after > 0 && after < 0.31);
	}
	const least = patience.budgetMs;
	t.true(least < first / 10);
	patience.woken(20_000, 500);
	t.is(patience.budgetMs, least, "a long sleep says nothing");
	for (let n = 0; n < 10; n++) patience.woken(20_000, 0.03);
	t.is(patience.budgetMs, first, "it has a bound");
	patience.worked(30_000);
	for (let now = 30_000; patience.looks(now); now += 0.05);
	t.true(patience.budgetMs > first / 2, "one useless look does not end a stream");
});

test("where others have the core it does not look, and tries again after ever longer times", (t) => {
	const patience = new Patience();
	let now = 0;
	patience.worked(now);
	t.true(patience.looks(now + 0.2), "work itself may take long");
	const budget = patience.budgetMs;
	const pauses: number[] = [];
	for (let n = 0; n < 10; n++) {
		let paused = -1;
		do {
			now += 1;
			paused++;
			patience.worked(now);
			patience.woken(now, 0.01);
		} while (!patience.looks(now + 0.01));
		t.false(patience.looks(now + 0.2));
		pauses.push(paused);
	}
	t.deepEqual(pauses.slice(1, 4), [2, 4, 8]);
	t.is(pauses.at(-1), 128);
	t.is(patience.budgetMs, budget, "to be woken while others have the core says nothing");
	now += 200;
	for (let n = 0; n < 20; n++) {
		patience.worked(now);
		t.true(patience.looks(now + 0.01));
		now += 0.02;
	}
	t.false(patience.looks(now + 1));
	patience.worked(now + 4);
	t.true(patience.looks(now + 4), "looks that were not disturbed make the times short again");
});

test("a loop without work sleeps: it uses next to no processor", (t) => {
	const program = `
		import { DataLoop } from ${JSON.stringify(new URL("../../../core/replication/loop/dataLoop.ts", import.meta.url).href)};
		import { linuxSystem as system } from ${JSON.stringify(new URL("../../../core/platform/linux/libc.ts", import.meta.url).href)};
		const loop = new DataLoop(system);
		const fd = system.eventfd();
		let attempts = 0;
		loop.watch(fd, 1, () => system.drainWake(fd));
		loop.attempt(() => { attempts++; return false; });
		for (let n = 1; n <= 20; n++) loop.timer(n * 100, () => system.wake(fd));
		loop.timer(2000, () => loop.stop());
		const before = process.cpuUsage();
		loop.run();
		const { user, system: kernel } = process.cpuUsage(before);
		console.log(JSON.stringify({ ms: (user + kernel) / 1000, attempts }));
	`;
	const run = spawnSync(process.execPath, ["--input-type=module", "--no-warnings", "-e", program], {
		encoding: "utf8",
	});
	t.is(run.status, 0, run.stderr);
	const { ms, attempts } = JSON.parse(run.stdout);
	// Two seconds of looking would take 2000.
	t.true(ms < 400, `${ms} ms`);
	t.true(attempts > 20 && attempts < 20_000, `${attempts} attempts`);
});
