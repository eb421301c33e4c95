import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { dataPair } from "./dataPair.ts";

test.serial(
	"data without a common history: refused, the commands that decide are named, and one of them does",
	async (t) => {
		const { n1, n2, dirs } = await dataPair(t);
		for (const [index, server] of [n1, n2].entries()) {
			server.ok("prim", "-m", "m");
			server.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
			writeFileSync(join(dirs[index] as string, "file"), `of ${server.name}`);
			server.ok("stop", "-m", "m");
			server.ok("waitstop", "-m", "m", "--timeout", "30");
		}
		n1.ok("start", "-m", "m");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
		n2.ok("start", "-m", "m");
		await n2.until(() => /no common history/.test(n2.ok("state", "-m", "m")));
		t.regex(n2.ok("state", "-m", "m"), /second fullsync/);
		t.is(readFileSync(join(dirs[1], "file"), "utf8"), "of n2", "nothing was overwritten");
		n2.ok("stop", "-m", "m");
		n2.ok("waitstop", "-m", "m", "--timeout", "30");
		n2.ok("second", "fullsync", "-m", "m");
		n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
		t.is(readFileSync(join(dirs[1], "file"), "utf8"), "of n1");
		const { entries } = JSON.parse(n2.ok("rfs", "diverged", "-m", "m", "--json"));
		t.is(entries.length, 1);
		t.like(entries[0], { outcome: "UNRELATED", node: "n2", files: 1 });
		const to = join(n2.folder, "back");
		n2.ok("rfs", "restore", entries[0].entry, "-m", "m", "--to", to);
		t.is(readFileSync(join(to, "file"), "utf8"), "of n2");
		// Back through the mount of the primary, so that both servers have it.
		cpSync(join(to, "file"), join(dirs[0], "of-n2"));
		await n2.until(() => readFileSync(join(dirs[1], "of-n2"), "utf8") === "of n2");
		t.regex(n1.run("rfsdiff", "-m", "m").err + n1.run("rfsdiff", "-m", "m").out, /compared/);
		t.is(n2.run("rfsdiff", "-m", "m").code, 1, "only the primary knows");
	},
);
