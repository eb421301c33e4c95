/** Live replication between two processes, through real mounts. */
import {
	appendFileSync,
	chmodSync,
	chownSync,
	closeSync,
	fsyncSync,
	linkSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Pair, shows, type TestNode } from "./pair.ts";
import { compareTrees } from "./treeCompare.ts";

test.serial("what is written on the primary is on the secondary, by full comparison", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	const at = (...names: string[]) => join(a.dir, ...names);
	mkdirSync(at("dir with blanks", "ünter"), { recursive: true });
	writeFileSync(at("file"), "hello");
	appendFileSync(at("file"), " world");
	writeFileSync(at("big"), Buffer.alloc(5_000_000, "x"));
	truncateSync(at("big"), 3_000_001);
	truncateSync(at("big"), 9_000_000);
	linkSync(at("file"), at("dir with blanks", "hard"));
	symlinkSync("../file", at("dir with blanks", "soft"));
	writeFileSync(at("victim"), "old");
	renameSync(at("file"), at("victim"));
	renameSync(at("dir with blanks"), at("dir2"));
	chmodSync(at("victim"), 0o640);
	chownSync(at("victim"), 12, 34);
	utimesSync(at("victim"), 1e9, 1.5e9);
	const open = openSync(at("open"), "w");
	writeSync(open, "still here");
	unlinkSync(at("open"));
	writeSync(open, " and here");
	fsyncSync(open);
	closeSync(open);
	for (let n = 0; n < 300; n++) writeFileSync(at("dir2", `f${n}`), `content ${n}`);
	for (let n = 0; n < 300; n += 3) rmSync(at("dir2", `f${n}`));
	t.throws(() => writeFileSync(join(b.dir, "no"), ""), { code: "EROFS" });
	t.true(await shows(join(b.dir, "dir2", "f1"), "content 1"));
	await a.ask({ order: "seal" }, "sealed");
	await b.ask({ order: "close" }, "closed");
	await a.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
	t.is(readFileSync(join(b.dir, "dir2", "hard"), "utf8"), "hello world");
});

test.serial("several directories under one session, each with its own names", async (t) => {
	const pair = await Pair.make(t);
	const second = (node: TestNode) => join(node.dir, "..", "second dir");
	for (const node of [pair.a, pair.b]) {
		mkdirSync(second(node));
		node.config.directories.push({ dir: second(node), notReplicatedPaths: [], notReplicatedRegexes: [] });
	}
	writeFileSync(join(second(pair.a), "before"), "in the second");
	await pair.up();
	writeFileSync(join(pair.a.dir, "same name"), "in the first");
	writeFileSync(join(second(pair.a), "same name"), "in the second");
	t.throws(() => linkSync(join(pair.a.dir, "same name"), join(second(pair.a), "link")), { code: "EXDEV" });
	await pair.a.ask({ order: "seal" }, "sealed");
	for (const node of [pair.b, pair.a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
	t.deepEqual(compareTrees(second(pair.a), second(pair.b)), []);
	t.is(readFileSync(join(second(pair.b), "same name"), "utf8"), "in the second");
	t.is(readFileSync(join(second(pair.b), "before"), "utf8"), "in the second");
});

test.serial("a directory that goes takes what was left out of the replication with it, on both sides", async (t) => {
	const pair = await Pair.make(t);
	for (const { config } of [pair.a, pair.b]) config.directories[0]!.notReplicatedRegexes = ["\\.tmp$"];
	const { a, b } = pair;
	await pair.up();
	mkdirSync(join(a.dir, "d"));
	writeFileSync(join(a.dir, "d", "own.tmp"), "of this server");
	await a.ask({ order: "seal" }, "sealed");
	await b.ask({ order: "promote" }, "promoted");
	await pair.join(b, a, "EQUAL");
	rmSync(join(b.dir, "d"), { recursive: true });
	writeFileSync(join(b.dir, "after"), "x");
	t.true(await shows(join(a.dir, "after"), "x"), a.story());
	t.false(a.facts.some((fact) => fact.fact === "applyFailed"));
	await b.ask({ order: "seal" }, "sealed");
	for (const node of [a, b]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
});
