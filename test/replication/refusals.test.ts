/** What the file system underneath refuses comes to the application as it is, and nothing of it to the other server. */
import {
	closeSync,
	linkSync,
	mkdirSync,
	openSync,
	renameSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Pair, shows } from "./pair.ts";

/** ext4: links of a file, and bytes of one (blocks of 4 KiB). */
const [mostLinks, mostBytes] = [65_000, 2 ** 44];
const tooLong = "n".repeat(256);

test.serial("EMLINK, EFBIG, ENAMETOOLONG: handed through exactly, and the session goes on", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	// Links that are not replicated count all the same.
	for (const { config } of [a, b]) config.directories[0]!.notReplicatedPaths.push("links");
	writeFileSync(join(a.dir, "file"), "content");
	mkdirSync(join(a.dir, "links"));
	for (let n = 1; n < mostLinks; n++) linkSync(join(a.dir, "file"), join(a.dir, "links", String(n)));
	await pair.up();
	const from = [a.facts.length, b.facts.length] as const;
	const at = (name: string) => join(a.dir, name);

	t.throws(() => linkSync(at("file"), at("another")), { code: "EMLINK" });
	t.throws(() => truncateSync(at("file"), 2 * mostBytes), { code: "EFBIG" });
	const fd = openSync(at("file"), "r+");
	t.throws(() => writeSync(fd, "x", 2 * mostBytes), { code: "EFBIG" });
	closeSync(fd);
	for (const refused of [
		() => writeFileSync(at(tooLong), ""),
		() => mkdirSync(at(tooLong)),
		() => symlinkSync("target", at(tooLong)),
		() => linkSync(at("file"), at(tooLong)),
		() => renameSync(at("file"), at(tooLong)),
	])
		t.throws(refused, { code: "ENAMETOOLONG" });

	writeFileSync(at("last"), "goes on");
	t.true(await shows(join(b.dir, "last"), "goes on"));
	const trouble = /frozen|peerLost|applyFailed|diskFailed|linkLost/;
	t.notRegex(JSON.stringify([a.facts.slice(from[0]), b.facts.slice(from[1])]), trouble);
	await a.ask({ order: "seal" }, "sealed");
	await b.ask({ order: "close" }, "closed");
	await a.ask({ order: "close" }, "closed");
	// Links that are left out are those that the two files do not have alike.
	const differences = pair.differences({ skip: [".opensafe", "links"] });
	t.deepEqual(differences, [`file: nlink ${mostLinks} and 1`, "link groups: file and "]);
});
