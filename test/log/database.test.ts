/** What becomes of a log whose disk is full, or whose file is broken. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ModuleLog } from "../../core/log/moduleLog.ts";
import { Resources } from "../../core/log/resources.ts";
import { makeTestFolder } from "../folder.ts";

/** A disk of 1 MB; null where none can be mounted. */
function smallDisk(t: ExecutionContext): string | null {
	const folder = makeTestFolder("log");
	const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "opensafe-full", folder]);
	t.teardown(() => {
		if (mounted.status === 0) spawnSync("umount", ["-l", folder]);
		rmSync(folder, { recursive: true, force: true });
	});
	return mounted.status === 0 ? folder : null;
}

function fill(folder: string): void {
	const filler = join(folder, "filler");
	spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"]);
	spawnSync("dd", ["if=/dev/zero", `of=${filler}2`, "bs=1"]);
}

function makeRoom(folder: string): void {
	for (const name of ["filler", "filler2"]) rmSync(join(folder, name), { force: true });
}

const texts = (log: ModuleLog): string[] => log.last(100, true).map(({ text }) => text);

test("opened again and again on a full disk, a log shows what it had, and goes on once there is room", (t) => {
	const folder = smallDisk(t);
	if (folder === null) return t.log("skipped: only root may mount");
	const [file, values] = [join(folder, "log.db"), join(folder, "resource.db")];
	const before = new ModuleLog(file);
	before.append("heart", "E", "before");
	before.close();
	const resources = new Resources(values);
	resources.set("custom.a", "down", "script");
	resources.close();
	fill(folder);
	for (let start = 0; start < 3; start++) {
		const log = new ModuleLog(file);
		log.append("heart", "E", "lost");
		t.deepEqual(texts(log), ["before"]);
		log.close();
		const again = new Resources(values);
		t.is(again.get("custom.a")?.value, "down");
		again.close();
	}
	const log = new ModuleLog(file);
	makeRoom(folder);
	log.append("heart", "E", "after");
	log.close();
	const last = new ModuleLog(file);
	t.deepEqual(texts(last), ["before", "after"]);
	last.close();
	t.deepEqual(
		readdirSync(folder).filter((name) => name.endsWith(".broken")),
		[],
	);
});

test("a new log on a full disk is kept in memory, and nothing is put aside", (t) => {
	const folder = smallDisk(t);
	if (folder === null) return t.log("skipped: only root may mount");
	fill(folder);
	const file = join(folder, "log.db");
	const log = new ModuleLog(file);
	log.append("heart", "E", "one");
	t.deepEqual(texts(log), ["one"]);
	// It has a limit too.
	for (let row = 0; row < 6000; row++) log.append("heart", "E", "x".repeat(4096));
	t.true(texts(log).length > 0);
	log.close();
	t.false(existsSync(`${file}.broken`));
	makeRoom(folder);
	const later = new ModuleLog(file);
	later.append("heart", "E", "two");
	later.close();
	const last = new ModuleLog(file);
	t.deepEqual(texts(last), ["two"]);
	last.close();
});

test("a broken file on a full disk is put aside once and kept", (t) => {
	const folder = smallDisk(t);
	if (folder === null) return t.log("skipped: only root may mount");
	const file = join(folder, "log.db");
	const broken = "not a database ".repeat(100);
	writeFileSync(file, broken);
	fill(folder);
	for (let start = 0; start < 2; start++) {
		const log = new ModuleLog(file);
		log.append("heart", "E", "one");
		t.deepEqual(texts(log), ["one"]);
		log.close();
	}
	t.is(readFileSync(`${file}.broken`, "utf8"), broken);
});

test("where the file cannot be opened at all, the log is kept in memory", (t) => {
	const folder = makeTestFolder("log");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	mkdirSync(join(folder, "log.db"));
	const log = new ModuleLog(join(folder, "log.db"));
	log.append("heart", "E", "one");
	t.deepEqual(texts(log), ["one"]);
	log.close();
	t.deepEqual(readdirSync(folder), ["log.db"]);
});
