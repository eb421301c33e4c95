/** A second server that gets its data from a backup (`rfssync`, spec/06 §3), and `secondforce -d`. */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { compareTrees } from "../replication/treeCompare.ts";
import { dataPair } from "./dataPair.ts";
import type { Server } from "./server.ts";

const bytes = 8_000_000;

function fill(dir: string): void {
	for (let d = 0; d < 5; d++) {
		mkdirSync(join(dir, `d${d}`));
		for (let n = 0; n < 20; n++) writeFileSync(join(dir, `d${d}`, `f${n}`), `${d} ${n}`);
	}
	writeFileSync(join(dir, "database"), Buffer.alloc(bytes, "a"));
}

function empty(dir: string): void {
	for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
}

function stop(server: Server): void {
	server.ok("stop", "-m", "m");
	server.ok("waitstop", "-m", "m", "--timeout", "30");
}

/** Files and bytes that the last synchronization copied, and bytes that it compared. */
function copied(server: Server): { files: number; bytes: number; compared: number } {
	const found = [...server.log("m").matchAll(/Copied <(\d+) files, (\d+) bytes; \d+ files and (\d+) bytes compared/g)];
	const [files, sent, compared] = found.at(-1)!.slice(1).map(Number);
	return { files: files!, bytes: sent!, compared: compared! };
}

/** What the primary's session copies, once the secondary is Ready; both trees are equal. */
async function followed(t: ExecutionContext, n1: Server, n2: Server, dirs: [string, string]) {
	n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
	writeFileSync(join(dirs[0], "live"), "live");
	await n2.until(() => existsSync(join(dirs[1], "live")) && readFileSync(join(dirs[1], "live"), "utf8") === "live");
	t.deepEqual(compareTrees(dirs[0], dirs[1], { blocks: false }), []);
	return copied(n1);
}

test.serial("cold: the copy is made while the module is stopped; only what changed since is copied", async (t) => {
	const { n1, n2, dirs } = await dataPair(t);
	fill(dirs[0]);
	t.regex(n1.ok("rfssync", "-m", "m"), /as usual/);
	t.is(n1.run("rfssync", "external", "prim", "not a name", "-m", "m").code, 2);
	t.is(n1.run("rfssync", "external", "first", "x", "-m", "m").code, 2);
	t.regex(n1.ok("rfssync", "external", "prim", "night-1", "-m", "m"), /safekit prim/);
	t.regex(n1.ok("rfssync", "-m", "m"), /night-1/);
	t.is(n1.ok("get", "-m", "m", "-r", "usersetting.rfssyncmode").trim(), "external");
	execFileSync("cp", ["-a", `${dirs[0]}/.`, dirs[1]]);
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
	t.is(n1.run("rfssync", "-d", "prim", "night-2", "-m", "m").code, 1, "only while it is stopped");
	writeFileSync(join(dirs[0], "d1/new"), "new");
	appendFileSync(join(dirs[0], "database"), "more");
	n2.ok("rfssync", "external", "second", "night-1", "-m", "m");
	n2.ok("second", "-m", "m");
	const { files, bytes: sent, compared } = await followed(t, n1, n2, dirs);
	t.true(files <= 3, `${files} files`);
	t.true(sent < 5_000_000 && compared < 5_000_000, `${sent} bytes of ${compared}`);
	t.is(n2.ok("get", "-m", "m", "-r", "usersetting.rfssyncmode").trim(), "default");
	t.is(n1.ok("get", "-m", "m", "-r", "usersetting.rfssyncmode").trim(), "default");
	t.is(n1.ok("get", "-m", "m", "-r", "rfs.rfssync").trim(), "up");
	// From here on all is as ever: the copy may take over, and the other follows it with its marks.
	n1.ok("swap", "-m", "m");
	n2.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
	stop(n1);
	writeFileSync(join(dirs[1], "d2/f3"), "changed there");
	n1.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
	t.is(readFileSync(join(dirs[0], "d2/f3"), "utf8"), "changed there");
	t.true(copied(n2).compared < 100_000);
});

test.serial("hot: the copy is made while the primary runs alone; a copy of another name is refused", async (t) => {
	const { n1, n2, dirs } = await dataPair(t);
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
	fill(dirs[0]);
	n1.ok("rfssync", "external", "prim", "hot-1", "-m", "m");
	execFileSync("cp", ["-a", `${dirs[0]}/.`, dirs[1]]);
	writeFileSync(join(dirs[0], "d3/f1"), "changed");
	execFileSync("mv", [join(dirs[0], "d4"), join(dirs[0], "d0/moved")]);
	n2.ok("rfssync", "external", "second", "hot-0", "-m", "m");
	n2.ok("start", "-m", "m");
	await n2.until(() => /no common history/.test(n2.ok("state", "-m", "m")));
	stop(n2);
	n2.ok("rfssync", "external", "second", "hot-1", "-m", "m");
	n2.ok("second", "-m", "m");
	const { compared } = await followed(t, n1, n2, dirs);
	t.true(compared < 100_000, `${compared} bytes`);
	t.is(n1.run("rfssync", "external", "prim", "hot-2", "-m", "m").code, 1, "not while it has a secondary");
});

test.serial(
	"a secondary from before the declaration is compared whole; secondforce -d only what is later",
	async (t) => {
		const { n1, n2, dirs } = await dataPair(t);
		n1.ok("prim", "-m", "m");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
		fill(dirs[0]);
		n2.ok("second", "-m", "m");
		await followed(t, n1, n2, dirs);
		stop(n2);
		writeFileSync(join(dirs[0], "d3/f1"), "changed before");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
		n1.ok("rfssync", "external", "prim", "hot-1", "-m", "m");
		writeFileSync(join(dirs[0], "d3/f2"), "changed later");
		n2.ok("start", "-m", "m");
		t.true((await followed(t, n1, n2, dirs)).compared > bytes, "its name is of no use to an old copy");
		stop(n2);
		// The disk of the secondary comes from elsewhere: everything but what a person did later.
		empty(dirs[1]);
		execFileSync("cp", ["-a", `${dirs[0]}/.`, dirs[1]]);
		await sleep(1500);
		const date = new Date().toISOString().replace(/\.\d+Z/, "Z");
		writeFileSync(join(dirs[0], "d3/f3"), "changed at last");
		t.is(n2.run("secondforce", "-m", "m", "-d", "2999-01-01").code, 2);
		n2.ok("secondforce", "-m", "m", "-d", date);
		const { compared } = await followed(t, n1, n2, dirs);
		t.true(compared < 100_000, `${compared} bytes`);
	},
);
