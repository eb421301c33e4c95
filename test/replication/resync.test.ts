/** A resync while the application changes the tree: equal afterwards, by full comparison (invariant 6). */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Churn } from "./churn.ts";
import { Pair } from "./pair.ts";

for (const seed of [1, 2, 3]) {
	test.serial(`a churning tree and a copy that starts in the middle are equal in the end (seed ${seed})`, async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		await Promise.all([a.open(), b.open()]);
		await a.ask({ order: "serve", term: 5, alone: true }, "serving");
		const churn = new Churn(a.dir, seed);
		await churn.run(600);
		const running = churn.run();
		// The copy is interrupted and begins again.
		await pair.session(a, b, "NEW");
		await new Promise((resolve) => setTimeout(resolve, 30));
		pair.proxy.cut();
		await new Promise((resolve) => setTimeout(resolve, 100));
		pair.proxy.mend();
		await a.ask({ order: "serve", term: pair.term, alone: false }, "serving");
		await a.until("synced");
		await b.until("synced");
		const during = churn.done;
		await new Promise((resolve) => setTimeout(resolve, 500));
		churn.stop();
		await running;
		t.log(`${during} changes before the end of the copy, ${churn.done} in all, ${await churn.count()} entries`);
		// A second session finds a target that is nearly equal, and a tree that moved on without it.
		await b.kill();
		await a.until("peerLost");
		await a.ask({ order: "sync" }, "synchronised");
		pair.term += 10;
		await a.ask({ order: "goAlone", term: pair.term }, "alone");
		const again = new Churn(a.dir, seed + 100);
		await again.run(300);
		const second = again.run();
		await b.open();
		const before = a.logs.length;
		await pair.join(a, b, "PEER_BEHIND");
		const said = a.logs.slice(before).join("\n");
		t.regex(said, /are marked here/, "only that is compared");
		t.notRegex(said, /compared whole/);
		again.stop();
		await second;
		await a.ask({ order: "seal" }, "sealed");
		await b.ask({ order: "close" }, "closed");
		await a.ask({ order: "close" }, "closed");
		t.deepEqual(pair.differences(), []);
		for (const node of [a, b]) {
			for (const folder of ["open", "limbo"]) t.deepEqual(readdirSync(join(node.dir, ".opensafe", folder)), [], folder);
			t.false(existsSync(node.config.socket));
		}
	});
}

test.serial("a source that cannot open its files is not equal to anything: nothing is left out", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	for (let d = 0; d < 5; d++) {
		mkdirSync(join(a.dir, `d${d}`));
		for (let n = 0; n < 20; n++) writeFileSync(join(a.dir, `d${d}`, `f${n}`), `content ${n}`);
	}
	await Promise.all([a.open(), b.open()]);
	const limit = (most: number | string) =>
		execFileSync("prlimit", [`--pid=${a.client.pid}`, `--nofile=${most}:`], { stdio: "ignore" });
	// Its threads still open files while they start.
	const descriptors = () => readdirSync(`/proc/${a.client.pid}/fd`).join();
	for (let [before, same] = ["", 0]; same < 5; same = before === descriptors() ? same + 1 : 0) {
		before = descriptors();
		await new Promise((resolve) => setTimeout(resolve, 500));
	}
	const used = new Set(descriptors().split(",").map(Number));
	let free = 0;
	while (used.has(free)) free++;
	// One more descriptor, for the connection.
	limit(free + 1);
	await pair.session(a, b, "NEW");
	for (let n = 0; n < 400 && !a.logs.some((line) => line.includes("EMFILE") || line.includes("errno 24")); n++) {
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	t.false(
		a.facts.some((fact) => fact.fact === "synced"),
		a.story(),
	);
	limit(4096);
	await a.until("synced");
	await b.until("synced");
	for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
	t.is(readdirSync(join(b.dir, "d4")).length, 20);
});

test.serial("what is mounted inside a replicated directory is left out, and nothing else is", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	for (const name of ["inner", "same"]) mkdirSync(join(a.dir, name));
	writeFileSync(join(a.dir, "file"), "content");
	execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(a.dir, "inner")]);
	// The same file system: its handles would open files that are not below the directory at all.
	mkdirSync(join(pair.root, "elsewhere", "deep"), { recursive: true });
	execFileSync("mount", ["--bind", join(pair.root, "elsewhere"), join(a.dir, "same")]);
	t.teardown(() => execFileSync("umount", ["-l", join(a.dir, "inner"), join(a.dir, "same")]));
	writeFileSync(join(a.dir, "inner", "other"), "not replicated");
	await pair.up();
	writeFileSync(join(a.dir, "later"), "live");
	await a.ask({ order: "seal" }, "sealed");
	for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(readdirSync(b.dir).sort(), [".opensafe", "file", "later"]);
});

test.serial("more extended attributes than a message holds travel in pieces", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	// tmpfs keeps as many as XFS does.
	for (const { dir } of [a, b]) {
		execFileSync("mount", ["-t", "tmpfs", "tmpfs", dir]);
		t.teardown(() => execFileSync("umount", ["-l", dir]));
	}
	writeFileSync(join(a.dir, "file"), "content");
	for (let n = 0; n < 20; n++) {
		execFileSync("setfattr", ["-n", `trusted.${n}`, "-v", "x".repeat(60_000), join(a.dir, "file")]);
	}
	await pair.up();
	for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences({ blocks: false }), []);
});
