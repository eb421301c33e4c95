/** What the file system underneath refuses comes to the application as it is, and nothing of it to the other server. */
import { spawnSync } from "node:child_process";
import {
	chmodSync,
	closeSync,
	linkSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import test from "ava";
import { hasLoop, loopReason, mountDisk } from "../disks.ts";
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

const capabilities = /CapEff:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
const isAbove = (BigInt(`0x${capabilities}`) & (1n << 24n)) !== 0n;
const quotaTest = hasLoop && isAbove ? test.serial : test.serial.skip;
const reason = loopReason === "" && !isAbove ? " (skipped: root has no CAP_SYS_RESOURCE here)" : loopReason;

// What a quota limits is limited for whoever lacks CAP_SYS_RESOURCE, and so are blocks reserved for a user: they stand in
// for a quota, which needs a kernel module.
for (const quota of [true, false]) {
	const title = quota ? "on a disk with quotas a user has no more than a user" : "without quotas nobody is looked at";
	quotaTest(`${title}, and root has what root has${reason}`, async (t) => {
		const pair = await Pair.make(t);
		const { a } = pair;
		const options = ["resuid=65534", ...(quota ? ["usrquota"] : [])];
		mountDisk(t, pair.root, a.dir, { size: 40, room: 60, options });
		const reserved = spawnSync("tune2fs", ["-r", "15000", deviceOf(a.dir)]);
		t.is(reserved.status, 0, String(reserved.stderr));
		await pair.up();
		chmodSync(a.dir, 0o777);
		// The way to it is root's alone.
		const as = { cwd: a.dir, encoding: "utf8" } as const;
		const fill = ["dd", "if=/dev/zero", "of=file", "bs=64k", "count=400"];
		const user = spawnSync("setpriv", ["--reuid", "1234", "--clear-groups", ...fill], as);
		t.is(/No space left/.test(user.stderr), quota, user.stderr);
		const root = spawnSync("dd", ["if=/dev/zero", "of=more", "bs=64k", "count=32"], as);
		t.is(root.status, 0, root.stderr);
		await a.ask({ order: "seal" }, "sealed");
		await pair.b.ask({ order: "close" }, "closed");
		await a.ask({ order: "close" }, "closed");
		t.deepEqual(pair.differences({ skip: [".opensafe", "lost+found"] }), []);
	});
}

function deviceOf(dir: string): string {
	return String(spawnSync("findmnt", ["-no", "SOURCE", dir]).stdout).trim();
}
