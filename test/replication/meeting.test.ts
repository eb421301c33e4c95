/** Sessions that must not come about, and what is kept of a tree that another one replaces. */
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { declaredCheckpoints, meet } from "../../core/engine/meeting.ts";
import { linuxSystem } from "../../core/platform/linux/libc.ts";
import { Pair, shows, type TestNode } from "./pair.ts";

async function closeBoth({ a, b }: Pair): Promise<void> {
	for (const node of [a, b]) await node.ask({ order: "close" }, "closed");
}

async function waitForLog(node: TestNode, pattern: RegExp): Promise<void> {
	for (let n = 0; n < 300 && !pattern.test(node.logs.join("\n")); n++) await sleep(50);
}

test.serial("another key: refused and reported, nothing is recorded", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	b.config.key = "cd".repeat(32);
	await Promise.all([a.open(), b.open()]);
	const order = { order: "session", term: 10, outcome: "NEW", everything: true, quarantine: false } as const;
	b.client.order({ ...order, source: false });
	a.client.order({ ...order, source: true });
	await waitForLog(a, /key/);
	t.regex(a.logs.join("\n"), /W rfsplug .*do not hold the same key for this module.*safekit cluster package/);
	t.is(b.records!.term, 0);
	t.is(a.records!.term, 0);
	t.false(a.facts.some((fact) => fact.fact === "accepted"));
});

test.serial("another term: refused until both have been ordered the same", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await Promise.all([a.open(), b.open()]);
	const order = { order: "session", outcome: "NEW", everything: true, quarantine: false } as const;
	b.client.order({ ...order, term: 11, source: false });
	a.client.order({ ...order, term: 10, source: true });
	await waitForLog(a, /term/);
	t.regex(a.logs.join("\n"), /in term 11, this one in 10/);
	await a.ask({ ...order, term: 11, source: true }, "accepted");
	await t.throwsAsync(a.ask({ order: "goAlone", term: 11 }, "alone"), { message: /REPLICATION_ORDER/ });
});

test.serial("whatever a stranger sends to the port ends his connection only", async (t) => {
	const pair = await Pair.make(t);
	await pair.up();
	const { address, port } = pair.b.config.listen;
	for (const bytes of [
		Buffer.alloc(100_000, 0xff),
		Buffer.from("GET / HTTP/1.0\r\n\r\n"),
		Buffer.from([0, 0, 0, 2, 0x7b, 0x7d]),
	]) {
		await new Promise<void>((resolve) => {
			const socket = connect(port, address, () => socket.write(bytes));
			socket.on("error", () => {});
			socket.on("close", () => resolve());
		});
	}
	writeFileSync(join(pair.a.dir, "after"), "still replicated");
	t.true(await shows(join(pair.b.dir, "after"), "still replicated"));
	t.false(pair.a.facts.some((fact) => fact.fact === "frozen"));
});

test.serial("a first synchronisation puts aside what the secondary held, and says so", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	writeFileSync(join(a.dir, "wanted"), "of a");
	mkdirSync(join(b.dir, "folder"));
	writeFileSync(join(b.dir, "folder", "precious"), "only here");
	writeFileSync(join(b.dir, "wanted"), "of b");
	await pair.up();
	await closeBoth(pair);
	t.deepEqual(pair.differences(), []);
	const kept = join(b.dir, ".opensafe", "quarantine");
	const [name] = readdirSync(kept);
	t.is(readFileSync(join(kept, name!, "folder", "precious"), "utf8"), "only here");
	t.is(readFileSync(join(kept, name!, "wanted"), "utf8"), "of b");
	t.regex(b.logs.join("\n"), /E reintegre 2 entries that were in .* are kept in /);
});

test.serial("a diverged node keeps what it loses", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	const large = Buffer.alloc(70 << 20, "x");
	writeFileSync(join(a.dir, "same"), "the same on both");
	writeFileSync(join(a.dir, "changed"), "as it was");
	writeFileSync(join(a.dir, "large"), large);
	pair.proxy.cut();
	await a.until("peerLost");
	await a.ask({ order: "sync" }, "synchronised");
	await a.ask({ order: "goAlone", term: 20 }, "alone");
	writeFileSync(join(a.dir, "changed"), "on a");
	await b.ask({ order: "promote" }, "promoted");
	await b.ask({ order: "serve", term: 21, alone: true }, "serving");
	writeFileSync(join(b.dir, "changed"), "on b, and longer");
	writeFileSync(join(b.dir, "only b"), "lost otherwise");
	truncateSync(join(b.dir, "large"), (70 << 20) + 5);
	await b.ask({ order: "seal" }, "sealed");
	const lost = b.records!.epoch!.current;
	await b.ask({ order: "open" }, "opened");
	pair.proxy.mend();
	pair.term = 30;
	await pair.session(a, b, "DIVERGED", true);
	await b.until(
		"synced",
		b.facts.findLastIndex((fact) => fact.fact === "opened"),
	);
	await closeBoth(pair);
	t.deepEqual(pair.differences(), []);
	const kept = join(b.dir, ".opensafe", "quarantine", lost);
	const names = readdirSync(kept);
	t.is(readFileSync(join(kept, "changed"), "utf8"), "on b, and longer");
	t.is(readFileSync(join(kept, "only b"), "utf8"), "lost otherwise", "under the name that it had");
	t.false(names.includes("same"), "what is equal is not kept");
	t.is(readFileSync(join(kept, "large.ranges"), "utf8"), `${70 << 20} 5\n`);
	t.false(existsSync(join(b.dir, ".opensafe", "salvaging")));
	t.regex(b.logs.join("\n"), /only this server had are kept/);
});

test.serial("a planned swap: sealed, promoted, and back as the secondary", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	writeFileSync(join(a.dir, "x"), "1");
	await a.ask({ order: "seal" }, "sealed");
	const lost = await b.until("linkLost");
	t.true(lost.promotable);
	t.throws(() => writeFileSync(join(a.dir, "x"), "2"), { code: "EROFS" });
	await b.ask({ order: "promote" }, "promoted");
	pair.term += 10;
	await b.ask({ order: "serve", term: pair.term, alone: true }, "serving");
	writeFileSync(join(b.dir, "x"), "3");
	await a.ask({ order: "open" }, "opened");
	await pair.join(b, a, "PEER_BEHIND");
	writeFileSync(join(b.dir, "y"), "4");
	t.is(readFileSync(join(a.dir, "x"), "utf8"), "3");
	t.true(await shows(join(a.dir, "y"), "4"));
	await b.ask({ order: "seal" }, "sealed");
	await closeBoth(pair);
	t.deepEqual(pair.differences(), []);
});

test.serial("a secondary whose disk is full stops, is not promotable, and says so on both sides", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	t.is(linuxSystem.mount("tmpfs", b.dir, "tmpfs", 0, "size=8m"), 0);
	await pair.up();
	writeFileSync(join(a.dir, "small"), "fits");
	const writing = writeFile(join(a.dir, "large"), Buffer.alloc(20 << 20)).catch(() => {});
	t.regex((await b.until("applyFailed")).message, /write: ENOSPC/);
	t.false((await b.until("linkLost")).promotable);
	t.true(b.records!.crashed);
	t.regex((await a.until("peerLost")).why, /cannot apply/);
	await t.throwsAsync(b.ask({ order: "promote" }, "promoted"), { message: /not promotable/ });
	await t.throwsAsync(b.ask({ order: "seal" }, "sealed"), { message: /may lack acknowledged changes/ });
	await a.ask({ order: "goAlone", term: 20 }, "alone");
	await writing;
	t.is(readFileSync(join(a.dir, "large")).length, 20 << 20, "its error never reaches the application");
});

test.serial("notreplicated stays on its server, in both directions", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	for (const { config } of [a, b]) {
		config.directories[0]!.notReplicatedPaths.push("local");
		config.directories[0]!.notReplicatedRegexes.push("\\.tmp$");
	}
	mkdirSync(join(b.dir, "local"));
	writeFileSync(join(b.dir, "local", "of b"), "b");
	await pair.up();
	mkdirSync(join(a.dir, "local"));
	writeFileSync(join(a.dir, "local", "of a"), "a");
	writeFileSync(join(a.dir, "x.tmp"), "a");
	writeFileSync(join(a.dir, "x"), "a");
	await b.kill();
	await a.until("peerLost");
	await a.ask({ order: "goAlone", term: 50 }, "alone");
	pair.term = 60;
	await b.open();
	await pair.join(a, b, "PEER_BEHIND");
	await a.ask({ order: "seal" }, "sealed");
	await closeBoth(pair);
	t.deepEqual(pair.differences({ skip: [".opensafe", "local", "x.tmp"] }), []);
	t.deepEqual(readdirSync(join(b.dir, "local")), ["of b"]);
	t.deepEqual(readdirSync(join(a.dir, "local")), ["of a"]);
	t.false(existsSync(join(b.dir, "x.tmp")));
});

test.serial(
	"a person's word that a copy counts raises its checkpoint: an older disk, put back on purpose, is the source",
	async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		writeFileSync(join(a.dir, "file"), "content");
		await pair.up();
		for (const node of [b, a]) {
			await node.ask({ order: "close" }, "closed");
			while (existsSync(node.config.socket)) await sleep(20);
			node.client.release();
			node.client = node.newClient();
		}
		await Promise.all([a.open(), b.open()]);
		const before = b.records!;
		const force = { order: "serve", term: pair.term + 10, alone: true, force: true } as const;
		await b.ask(force, "serving");
		await b.ask(force, "serving");
		const after = b.records!;
		t.is(after.checkpoint.own, before.checkpoint.own + declaredCheckpoints);
		t.not(after.epoch?.current, before.epoch?.current);
		const side = (node: TestNode, records = node.records!) => ({
			node: node.config.node,
			records,
			serves: false,
			fullsync: null,
		});
		// The other one remembers later checkpoints than this disk ever had.
		const later = { ...a.records!, checkpoint: { own: before.checkpoint.own + 9, peer: before.checkpoint.own + 9 } };
		t.is(meet(side(a, later), side(b, before)).outcome, "ROLLED_BACK");
		t.like(meet(side(a, later), side(b, after)), { go: true, outcome: "BEHIND", source: "theirs" });
		writeFileSync(join(b.dir, "file"), "other");
		pair.term += 10;
		await pair.join(b, a, "PEER_BEHIND");
		await closeBoth(pair);
		t.deepEqual(pair.differences(), []);
	},
);

test.serial(
	"a session ordered anew under its term, for another reason, replaces the one that was not accepted",
	async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		await Promise.all([a.open(), b.open()]);
		const order = { order: "session", term: 10, everything: true, quarantine: false } as const;
		// As a daemon does that was restarted and has not heard the other server yet.
		a.client.order({ ...order, outcome: "HALF_COPIED", source: true });
		const accepted = a.ask({ ...order, outcome: "NEW", source: true }, "accepted");
		b.client.order({ ...order, outcome: "NEW", source: false });
		await accepted;
		await a.ask({ order: "serve", term: 10, alone: false }, "serving");
		t.is((await b.until("synced")).term, 10);
	},
);
