import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { dataPair } from "./dataPair.ts";

test.serial(
	"what a server's copy lost is listed, taken back and dropped, while the module runs and stopped",
	async (t) => {
		const { n1, n2, dirs } = await dataPair(t);
		mkdirSync(join(dirs[1], "old/sub"), { recursive: true });
		writeFileSync(join(dirs[1], "old/sub/letter"), "written before the module");
		writeFileSync(join(dirs[1], "100% mine"), "a name with a sign");
		n1.ok("prim", "-m", "m");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
		writeFileSync(join(dirs[0], "shared"), "of both");
		n2.ok("second", "-m", "m");
		n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "30");

		const listed = JSON.parse(n2.ok("rfs", "diverged", "-m", "m", "--json"));
		t.is(listed.entries.length, 1);
		const [entry] = listed.entries;
		t.like(entry, { node: "n2", peer: "n1", outcome: "NEW", files: 2, bytes: 43 });
		t.regex(n2.ok("rfs", "diverged", "-m", "m"), /n2 held this before its first synchronization from n1/);
		t.deepEqual(JSON.parse(n1.ok("rfs", "diverged", "-m", "m", "--json")).entries, []);

		const inside = n2.run("rfs", "restore", entry.entry, "-m", "m", "--to", join(dirs[1], "back"));
		t.is(inside.code, 4);
		t.regex(inside.err, /is replicated, and this server is SECOND/);
		const to = join(n2.folder, "back");
		t.regex(n2.ok("rfs", "restore", entry.entry, "-m", "m", "--to", to, "--dry-run"), /would copy 2 files/);
		t.false(existsSync(to));
		n2.ok("rfs", "restore", entry.entry.slice(0, 6), "-m", "m", "--to", to);
		t.is(readFileSync(join(to, "old/sub/letter"), "utf8"), "written before the module");
		t.is(readFileSync(join(to, "100% mine"), "utf8"), "a name with a sign");
		const again = n2.run("rfs", "restore", entry.entry, "-m", "m", "--to", to);
		t.is(again.code, 4);
		t.regex(again.err, /2 names are taken already/);
		n2.ok("rfs", "restore", entry.entry, "-m", "m", "--to", to, "--force");

		// Both serve without the other: the one that serves when they meet stays, the other's changes are kept.
		n2.ok("stop", "-m", "m");
		n2.ok("waitstop", "-m", "m", "--timeout", "30");
		writeFileSync(join(dirs[0], "shared"), "of n1 alone");
		n1.ok("stop", "-m", "m");
		n1.ok("waitstop", "-m", "m", "--timeout", "30");
		n2.ok("prim", "-m", "m");
		n2.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
		mkdirSync(join(dirs[1], "deep"));
		writeFileSync(join(dirs[1], "deep/only"), "of n2 alone");
		writeFileSync(join(dirs[1], "shared"), "changed by n2");
		n2.ok("stop", "-m", "m");
		n2.ok("waitstop", "-m", "m", "--timeout", "30");
		n1.ok("prim", "-m", "m");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
		n2.ok("start", "-m", "m");
		n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "30");
		const both = JSON.parse(n2.ok("rfs", "diverged", "-m", "m", "--json")).entries;
		t.deepEqual(
			both.map((each: { outcome: string }) => each.outcome),
			["NEW", "DIVERGED"],
		);
		t.is(readFileSync(join(dirs[1], "shared"), "utf8"), "of n1 alone");

		n2.ok("stop", "-m", "m");
		n2.ok("waitstop", "-m", "m", "--timeout", "30");
		t.is(JSON.parse(n2.ok("rfs", "diverged", "-m", "m", "--json")).entries.length, 2, "also with the module stopped");
		const lost = join(n2.folder, "lost");
		n2.ok("rfs", "restore", both[1].entry, "-m", "m", "--to", lost);
		t.is(readFileSync(join(lost, "shared"), "utf8"), "changed by n2");
		t.is(readFileSync(join(lost, "deep/only"), "utf8"), "of n2 alone");

		const refused = n2.run("rfs", "drop", "--all", "-m", "m");
		t.is(refused.code, 4);
		t.regex(refused.err, /2 entries with \d files would be deleted for good/);
		n2.ok("rfs", "drop", entry.entry, "-m", "m", "--force");
		t.is(JSON.parse(n2.ok("rfs", "diverged", "-m", "m", "--json")).entries.length, 1);
		n2.ok("rfs", "drop", "--all", "-m", "m", "--force");
		t.deepEqual(readdirSync(join(dirs[1], ".opensafe/quarantine")), []);
		t.is(n2.run("rfs", "drop", "abcd", "-m", "m", "--force").code, 1);
		t.is(n2.run("rfs", "drop", "-m", "m").code, 2);
	},
);
