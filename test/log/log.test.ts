import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { formatUs, nowUs } from "../../core/log/clock.ts";
import { CommandLog, formatCommand } from "../../core/log/commandLog.ts";
import { formatLine, ModuleLog } from "../../core/log/moduleLog.ts";
import { Resources } from "../../core/log/resources.ts";
import { RotatingFile } from "../../core/log/rotating.ts";
import { formatSyslog } from "../../core/log/syslog.ts";
import { makeTestFolder } from "../folder.ts";

function folder(t: { teardown(fn: () => void): void }): string {
	const path = makeTestFolder("log");
	t.teardown(() => rmSync(path, { recursive: true, force: true }));
	return path;
}

test("a line of the module log has the documented shape", (t) => {
	const us = new Date(2021, 7, 6, 8, 40, 20, 909).getTime() * 1000 + 224;
	t.is(
		formatLine({ us, origin: "reintegre", level: "E", text: "text" }),
		"| 2021-08-06 08:40:20.909224 | reintegre | E | text",
	);
});

test("dates grow strictly within a process", (t) => {
	const dates = Array.from({ length: 5000 }, nowUs);
	t.true(dates.every((us, index) => index === 0 || us > (dates[index - 1] as number)));
	t.true(Math.abs((dates.at(-1) as number) - Date.now() * 1000) < 50_000);
});

test("the module log shows normal levels, all with verbose, and tells its followers", (t) => {
	const log = new ModuleLog(join(folder(t), "am/log.db"));
	t.teardown(() => log.close());
	const seen: string[] = [];
	const stop = log.follow((line) => seen.push(line.text));
	log.append("heart", "E", "one");
	log.append("heart", "I", "two\nlines");
	stop();
	log.append("heart", "U", "three");
	t.deepEqual(
		log.last(10, false).map((line) => line.text),
		["one", "three"],
	);
	t.deepEqual(
		log.last(2, true).map((line) => line.text),
		["two lines", "three"],
	);
	t.deepEqual(seen, ["one", "two lines"]);
});

test("the module log is bounded", (t) => {
	const file = join(folder(t), "log.db");
	const log = new ModuleLog(file);
	t.teardown(() => log.close());
	for (let n = 0; n < 51_000; n++) log.append("heart", "E", `message ${n}`);
	t.true(log.last(100_000, true).length <= 50_256);
	t.is(log.last(1, true)[0]?.text, "message 50999");
	t.true(statSync(file).size < 20_000_000);
	log.append("heart", "E", "x".repeat(1_000_000));
	t.is(log.last(1, true)[0]?.text.length, 4096);
});

test("what a killed process wrote into its log is there", async (t) => {
	const file = join(folder(t), "log.db");
	const program = `
		import { ModuleLog } from ${JSON.stringify(join(import.meta.dirname, "../../core/log/moduleLog.ts"))};
		const log = new ModuleLog(${JSON.stringify(file)});
		for (let n = 0; n < 100; n++) log.append("heart", "E", "message " + n);
		process.stdout.write("written");
		setInterval(() => {}, 1000);
	`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	await once(child.stdout, "data");
	child.kill("SIGKILL");
	const [, signal] = await once(child, "exit");
	t.is(signal, "SIGKILL");
	const log = new ModuleLog(file);
	t.teardown(() => log.close());
	t.is(log.last(1000, true).length, 100);
});

test("a log file that is no database is put aside", (t) => {
	const path = folder(t);
	const file = join(path, "log.db");
	writeFileSync(file, "not a database ".repeat(100));
	const log = new ModuleLog(file);
	t.teardown(() => log.close());
	log.append("heart", "E", "again");
	t.is(log.last(5, true).length, 1);
	t.true(readdirSync(path).includes("log.db.broken"));
});

test("the command log has START and END rows", (t) => {
	const log = new CommandLog(join(folder(t), "log.db"));
	t.teardown(() => log.close());
	log.start("mirror", 42, "start -m mirror");
	log.end(42, 0);
	const [start, end] = log.last(2);
	t.regex(formatCommand(start!), /^\| .{26} \| command \| mirror \| 42 \| START \| start -m mirror$/);
	t.regex(formatCommand(end!), /^\| .{26} \| {2}\| {2}\| 42 \| END \| 0$/);
});

test("setting a resource to the value it has leaves no trace", (t) => {
	const file = join(folder(t), "resource.db");
	const resources = new Resources(file);
	t.true(resources.set("custom.a", "up", "checker"));
	const first = resources.get("custom.a");
	t.false(resources.set("custom.a", "up", "checker"));
	t.deepEqual(resources.get("custom.a"), first);
	t.is(resources.history("custom.a", 10).length, 1);
	resources.set("custom.a", "up", "checker", "force");
	t.is(resources.history("custom.a", 10).length, 2);
	resources.set("custom.a", "down", "checker", "none");
	t.is(resources.history("custom.a", 10).length, 2);
	resources.close();
	const again = new Resources(file);
	t.teardown(() => again.close());
	t.is(again.get("custom.a")?.value, "down");
});

test("the daemon's own log rotates and keeps three", (t) => {
	const path = folder(t);
	const log = new RotatingFile(join(path, "d.log"), 1000, 3);
	for (let n = 0; n < 200; n++) log.write(`line ${n} ${"x".repeat(40)}\n`);
	log.close();
	t.deepEqual(readdirSync(path).sort(), ["d.log", "d.log.1", "d.log.2", "d.log.3"]);
	t.true(readFileSync(join(path, "d.log"), "utf8").includes("line 199"));
});

test("the system log gets the module, the origin and the text", (t) => {
	const us = new Date(2024, 0, 5, 7, 8, 9).getTime() * 1000;
	t.is(
		formatSyslog("mirror", { us, origin: "heart", level: "E", text: "Local state PRIM Ready" }, 77),
		"<30>Jan  5 07:08:09 safekit[77]: mirror | heart | Local state PRIM Ready",
	);
	t.regex(formatUs(us), /^2024-01-05 07:08:09\.000000$/);
});
