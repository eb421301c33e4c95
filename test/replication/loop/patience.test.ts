/** How long the data thread looks for work before it sleeps. */
import { spawnSync } from "node:child_process";
import test from "ava";
import { Patience } from "../../../core/replication/loop/patience.ts";

test("looking that brings nothing gets shorter, work that comes soon after it makes it longer again", (t) => {
	const patience = new Patience();
	const first = patience.budgetMs;
	for (let now = 0; now < 20_000; now += 1000) {
		patience.worked(now);
		t.true(patience.looks(now));
		t.false(patience.looks(now + 1));
	}
	const least = patience.budgetMs;
	t.true(least < first / 10);
	patience.woken(500);
	t.is(patience.budgetMs, least, "a long sleep says nothing");
	for (let n = 0; n < 10; n++) patience.woken(0.03);
	t.is(patience.budgetMs, first, "it has a bound");
	patience.worked(30_000);
	patience.looks(30_001);
	t.true(patience.budgetMs > first / 2, "one useless look does not end a stream");
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
