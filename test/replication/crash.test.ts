/** Crashes and cut links at random moments: what was acknowledged is on the side that goes on. */

import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Pair, shows, type TestNode } from "./pair.ts";
import { Writer } from "./writer.ts";

/** b takes over: promoted, serving alone. */
async function takeOver(pair: Pair, node: TestNode): Promise<void> {
	await node.ask({ order: "promote" }, "promoted");
	pair.term += 10;
	await node.ask({ order: "serve", term: pair.term, alone: true }, "serving");
}

const moment = (): number => 100 + Math.random() * 400;

for (const async of ["second", "none"] as const) {
	test.serial(
		`the primary's process dies at random moments (async=${async}): nothing acknowledged is lost`,
		async (t) => {
			for (let round = 0; round < 3; round++) {
				const pair = await Pair.make(t, { async });
				const { a, b } = pair;
				await pair.up();
				const writer = new Writer(a.dir);
				const writing = writer.run();
				await writer.started();
				await sleep(moment());
				await a.kill();
				await writing;
				t.true(writer.total > 0);
				t.true(writer.failed.length > 0, "the writer noticed");
				await takeOver(pair, b);
				t.is(writer.lostIn(b.dir), 0, `of ${writer.total}`);
				appendFileSync(join(b.dir, "lines0"), "written after the failover\n");
			}
		},
	);
}

test.serial("negative control: with early acknowledgements the same test finds lost writes", async (t) => {
	process.env.OPENSAFE_SABOTAGE = "early-ack";
	t.teardown(() => delete process.env.OPENSAFE_SABOTAGE);
	const pair = await Pair.make(t);
	await pair.up();
	t.regex(pair.a.logs.join("\n"), /W rfsplug OPENSAFE_SABOTAGE=early-ack/);
	const writer = new Writer(pair.a.dir);
	const writing = writer.run();
	await writer.started();
	await sleep(moment());
	await pair.a.kill();
	await writing;
	await takeOver(pair, pair.b);
	t.true(writer.lostIn(pair.b.dir) > 0, `of ${writer.total}`);
});

test.serial(
	"the secondary's process dies: frozen, permission, and the application goes on; then it catches up",
	async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		await pair.up();
		const writer = new Writer(a.dir);
		const writing = writer.run();
		await writer.started();
		for (let round = 0; round < 2; round++) {
			await sleep(moment());
			const from = a.facts.length;
			await b.kill();
			await a.until("frozen", from);
			await sleep(50);
			const frozenAt = writer.total;
			await sleep(200);
			t.is(writer.total, frozenAt, "nothing is acknowledged without permission");
			await a.until("peerLost", from);
			await a.ask({ order: "sync" }, "synchronised");
			const epoch = a.records!.epoch!.current;
			pair.term += 10;
			await a.ask({ order: "goAlone", term: pair.term }, "alone");
			t.deepEqual(a.records!.alone, { term: pair.term });
			// With what was frozen; where nothing waited at that moment, with the first change after it.
			const begins = () => writer.total > frozenAt && a.records!.epoch!.current !== epoch;
			for (let waited = 0; !begins() && waited < 20_000; waited += 20) await sleep(20);
			t.true(writer.total > frozenAt);
			t.not(a.records!.epoch!.current, epoch, "a line of its own");
			const opened = await b.open();
			t.true(opened.crashed);
			t.is(opened.seal, "open");
			await pair.join(a, b, "PEER_BEHIND");
			t.is(a.records!.alone, null);
			t.deepEqual(b.records!.epoch, a.records!.epoch);
			t.false(b.records!.copying);
		}
		writer.stop();
		await writing;
		t.deepEqual(writer.failed, []);
		await a.ask({ order: "seal" }, "sealed");
		await b.ask({ order: "close" }, "closed");
		await a.ask({ order: "close" }, "closed");
		t.deepEqual(pair.differences(), []);
		t.is(writer.lostIn(b.dir), 0);
	},
);

test.serial(
	"nothing waits when the secondary's process dies: a line of its own begins with the first change",
	async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		await pair.up();
		const from = a.facts.length;
		await b.kill();
		await a.until("peerLost", from);
		const epoch = a.records!.epoch!.current;
		await a.ask({ order: "sync" }, "synchronised");
		await a.ask({ order: "goAlone", term: pair.term + 10 }, "alone");
		t.is(a.records!.epoch!.current, epoch);
		writeFileSync(join(a.dir, "first"), "of its own line");
		for (let waited = 0; a.records!.epoch!.current === epoch && waited < 20_000; waited += 20) await sleep(20);
		t.not(a.records!.epoch!.current, epoch);
	},
);

test.serial(
	"a short break of the link: what was not received is sent again, nothing is asked of anybody",
	async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		await pair.up();
		const writer = new Writer(a.dir);
		const writing = writer.run();
		await writer.started();
		for (let round = 0; round < 5; round++) {
			await sleep(moment());
			const from = a.facts.length;
			pair.proxy.cut();
			await a.until("frozen", from);
			pair.proxy.mend();
			await a.until("thawed", from);
		}
		t.false(a.facts.some((fact) => fact.fact === "peerLost"));
		writer.stop();
		await writing;
		t.deepEqual(writer.failed, []);
		await a.kill();
		await takeOver(pair, b);
		t.is(writer.lostIn(b.dir), 0, `of ${writer.total}`);
	},
);

test.serial("the link is cut for good: without permission EIO and a seal; the other side has everything", async (t) => {
	const pair = await Pair.make(t, { linkTimeoutMs: 1000 });
	const { a, b } = pair;
	await pair.up();
	const writer = new Writer(a.dir);
	const writing = writer.run();
	await writer.started();
	await sleep(moment());
	pair.proxy.stall(true);
	await a.until("peerLost", 0, 10_000);
	const lost = await b.until("linkLost");
	t.true(lost.promotable);
	await a.ask({ order: "fail" }, "sealed");
	await writing;
	t.true(writer.failed.every((error) => error.code === "EIO"));
	t.true(writer.failed.length > 0);
	t.throws(() => writeFileSync(join(a.dir, "more"), ""), { code: "EIO" });
	await takeOver(pair, b);
	t.is(writer.lostIn(b.dir), 0, `of ${writer.total}`);
	t.notDeepEqual(a.records!.seal, "open");
});

test.serial("no order within locktimeout after a freeze: the process gives up by itself", async (t) => {
	const pair = await Pair.make(t, { lockTimeoutMs: 4000 });
	const { a, b } = pair;
	await pair.up();
	await b.kill();
	await a.until("peerLost");
	await a.until("sealed", 0, 20_000);
	t.throws(() => writeFileSync(join(a.dir, "more"), ""), { code: "EIO" });
});

test.serial("the daemon dies and comes back: the process runs on and tells where it stands", async (t) => {
	const pair = await Pair.make(t);
	const { a } = pair;
	await pair.up();
	const { pid } = a.client;
	a.client.release();
	writeFileSync(join(a.dir, "meanwhile"), "written without a daemon");
	a.facts = [];
	a.client = a.newClient();
	t.true(await a.client.adopt());
	t.is(a.client.pid, pid);
	const records = await a.until("records");
	t.is(records.records.role?.was, "primary");
	t.true((await a.until("link")).up);
	await a.ask({ order: "open" }, "opened");
	await a.ask({ order: "serve", term: pair.term, alone: false }, "serving");
	t.true(await shows(join(pair.b.dir, "meanwhile"), "written without a daemon"));
});
