/** `reiallowedbw`: what a resync takes of the network, while the application's own changes are not held back. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Pace } from "../../core/replication/resync/pace.ts";
import { Pair } from "./pair.ts";

test("within 10 % of the limit in every second, also after a time in which nothing was sent", (t) => {
	const pace = new Pace(1000, 0);
	let sent = 0;
	const perSecond: number[] = [];
	for (let ms = 0; ms < 10_000; ms += 5) {
		const second = Math.floor(ms / 1000);
		// In the fourth and fifth second everything was equal.
		const isIdle = second === 3 || second === 4;
		if (pace.allows(sent, ms) && !isIdle) {
			sent += 16_384;
			perSecond[second] = (perSecond[second] ?? 0) + 16_384;
		}
	}
	t.deepEqual([perSecond[3], perSecond[4]], [undefined, undefined]);
	for (const second of [0, 1, 2, 6, 7, 8, 9]) t.true(Math.abs(perSecond[second]! / 1_024_000 - 1) < 0.1);
	t.true(perSecond[5]! < 1.2 * 1_024_000, "no burst");
	t.true(new Pace(null, 0).allows(1e12, 0));
});

test.serial("a copy over a real link takes what it may; writes of the application do not wait for it", async (t) => {
	const kbPerS = 2000;
	const pair = await Pair.make(t, { resyncBandwidth: kbPerS });
	const { a, b } = pair;
	const bytes = 6_000_000;
	writeFileSync(join(a.dir, "large"), Buffer.alloc(bytes, "x"));
	await Promise.all([a.open(), b.open()]);
	const from = a.facts.length;
	await pair.session(a, b, "NEW");
	await a.ask({ order: "serve", term: pair.term, alone: false }, "serving");
	const synced = a.until("synced", from);
	const slowest: number[] = [];
	let over = false;
	void synced.then(() => {
		over = true;
	});
	for (let n = 0; !over; n++) {
		const before = performance.now();
		writeFileSync(join(a.dir, "live"), `${n}`);
		slowest.push(performance.now() - before);
		await sleep(50);
	}
	await synced;
	const [, sent, seconds] = a.logs
		.join("\n")
		.match(/Copied <\d+ files, (\d+) bytes;.* ([\d.]+) s>/)!
		.map(Number);
	const rate = sent! / 1024 / seconds!;
	slowest.sort((x, y) => y - x);
	t.log(`${rate.toFixed(0)} KB/s of ${kbPerS}; slowest of ${slowest.length} writes ${slowest[0]!.toFixed(1)} ms`);
	t.true(rate < kbPerS * 1.1 && rate > kbPerS * 0.6, `${rate} KB/s`);
	t.true(slowest[Math.floor(slowest.length / 2)]! < 500, `half of the writes took ${slowest} ms`);
	t.is(readFileSync(join(b.dir, "large")).length, bytes);
});
