import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Server } from "./server.ts";
import { launcher, Toy } from "./toy.ts";

const say = (text: string) => `echo "${text}" >> "$SAFEVAR/said"`;
const simple = { prestart: say("prestart $*"), start_prim: say("start_prim $*"), stop_prim: say("stop_prim $*") };

test.serial("start, state, stop: scripts run in order, with their arguments, and the log says so", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	t.is(toy.run("start", "-m", "mirror").code, 0);
	t.is(toy.run("waitstart", "-m", "mirror").code, 0);
	t.deepEqual(toy.said(), ["prestart WAIT ALONE start", "start_prim WAIT ALONE start"]);
	const state = JSON.parse(toy.run("state", "--json").out);
	t.is(state.node, "n1");
	t.like(state.modules[0], { name: "mirror", id: 1, mode: "mirror", state: "ALONE", status: "Ready", resync: null });
	t.is(toy.run("state", "-m", "mirror", "-lq").code, 2);
	t.is(toy.run("stop", "-m", "mirror").code, 0);
	t.is(toy.run("waitstop", "-m", "mirror").code, 0);
	t.is(toy.said().at(-1), "stop_prim ALONE STOP stop");
	const log = toy.run("log", "-m", "mirror").out;
	t.regex(log, /\| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \| heart \| U \| Action start called by root\n/);
	t.regex(log, /\| userplug \| S \| Script start_prim > userlog_\d{4}-\d\d-\d\dT\d{6}_start_prim\.ulog\n/);
	const commands = toy.run("cmdlog").out;
	t.regex(commands, /\| command \| mirror \| \d+ \| START \| start -m mirror\n\|.*\| \d+ \| END \| 0\n/);
});

test.serial("a refusal says why, which command would do it, and exits 4", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	const refused = toy.run("stop", "-m", "mirror");
	t.is(refused.code, 4);
	t.regex(refused.err, /^Error: The module is STOP NotReady\.\nRun `safekit stop` first\.\n$/);
	const json = toy.run("stop", "-m", "mirror", "--json");
	t.is(json.code, 4);
	t.is(JSON.parse(json.out).error.code, "NODE_REFUSED");
	t.is(toy.run("start", "-m", "nothing").code, 1);
	t.is(toy.run("start").code, 2);
	t.is(toy.run("sart").code, 2);
	t.is(toy.run("start", "--colour", "-m", "mirror").code, 2);
});

test.serial("--dry-run says what would be done and does nothing", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	const dry = toy.run("start", "-m", "mirror", "--dry-run");
	t.is(dry.code, 0);
	t.regex(dry.out, /script prestart WAIT ALONE start\n/);
	t.is(toy.run("state", "-m", "mirror", "-lq").code, 0);
	t.deepEqual(toy.said(), []);
});

test.serial("a daemon killed during a script leaves it running; the next waits for it and runs it once", async (t) => {
	const told = 'n=0; until [ -e "$SAFEVAR/go" ] || [ $n = 600 ]; do sleep 0.1; n=$((n+1)); done';
	const slow = { ...simple, start_prim: `${say("begin")}; ${told}; ${say("end")}`, start_sec: say("after") };
	const toy = new Toy(t, { mirror: slow });
	await toy.start();
	toy.run("start", "-m", "mirror");
	await toy.until(() => toy.said().includes("begin"));
	t.true(await toy.kill("SIGKILL"));
	await toy.start();
	t.is(toy.run("state", "-m", "mirror", "-l").out, "ALONE Transient\n");
	writeFileSync(join(toy.safevar, "go"), "");
	t.is(toy.run("waitstart", "-m", "mirror").code, 0);
	t.deepEqual(toy.said(), ["prestart WAIT ALONE start", "begin", "end", "after"]);
});

test.serial("without the stored state the script would run twice (negative control)", async (t) => {
	const slow = { ...simple, start_prim: `${say("begin")}; sleep 3; ${say("end")}` };
	const toy = new Toy(t, { mirror: slow });
	await toy.start();
	toy.run("start", "-m", "mirror");
	await toy.until(() => toy.said().includes("begin"));
	await toy.kill("SIGKILL");
	writeFileSync(join(toy.safevar, "modules/mirror/state.json"), "half a fi");
	await toy.start();
	t.is(toy.run("state", "-m", "mirror", "-l").out, "STOP NotReady\n");
	toy.run("start", "-m", "mirror");
	toy.run("waitstart", "-m", "mirror");
	t.is(toy.said().filter((line) => line === "begin").length, 2);
});

test.serial("a script that ended while no daemon ran counts as run", async (t) => {
	const slow = { ...simple, start_prim: `${say("begin")}; sleep 1; ${say("end")}` };
	const toy = new Toy(t, { mirror: slow });
	await toy.start();
	toy.run("start", "-m", "mirror");
	await toy.until(() => toy.said().includes("begin"));
	// Killed before it has noted the script, the daemon cannot know of one that also ends: it runs again.
	await toy.until(() => JSON.parse(readFileSync(join(toy.safevar, "modules/mirror/state.json"), "utf8")).plan.script);
	await toy.kill("SIGKILL");
	await toy.until(() => toy.said().includes("end"));
	await toy.start();
	t.is(toy.run("waitstart", "-m", "mirror").code, 0);
	t.is(toy.said().filter((line) => line === "begin").length, 1);
});

test.serial("after a power cut nothing that ran is taken up, and boot starts once", async (t) => {
	const toy = new Toy(t, { mirror: simple, booted: simple });
	await toy.start({ TOY_INCARNATION: "first" });
	toy.run("start", "-m", "mirror");
	toy.run("waitstart", "-m", "mirror");
	t.is(toy.run("waitstate", "-m", "booted", "ALONE", "--timeout", "20").code, 0);
	toy.run("stop", "-m", "booted");
	toy.run("waitstop", "-m", "booted");
	await toy.kill("SIGKILL");
	await toy.start({ TOY_INCARNATION: "first" });
	await sleep(300);
	t.is(
		toy.run("state", "-m", "booted", "-l").out,
		"STOP NotReady\n",
		"the same run of the system: no second boot start",
	);
	t.is(toy.run("state", "-m", "mirror", "-l").out, "ALONE Ready\n");
	await toy.kill("SIGKILL");
	await toy.start({ TOY_INCARNATION: "second" });
	t.is(toy.run("state", "-m", "mirror", "-l").out, "STOP NotReady\n");
	t.is(toy.run("waitstate", "-m", "booted", "ALONE", "--timeout", "20").code, 0);
});

test.serial("a graceful stop of the daemon leaves modules running", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	toy.run("start", "-m", "mirror");
	toy.run("waitstart", "-m", "mirror");
	await toy.kill("SIGTERM");
	await toy.start();
	t.is(toy.run("state", "-m", "mirror", "-l").out, "ALONE Ready\n");
	t.deepEqual(toy.said(), ["prestart WAIT ALONE start", "start_prim WAIT ALONE start"]);
});

test.serial("a script may give commands to its own module without dead-lock", async (t) => {
	const start_prim = `"$SAFE/safekit" printe "it's (not) <good>, -x"; "$SAFE/safekit" stop -i start_prim; echo "code $?" >> "$SAFEVAR/said"; "$SAFE/safekit" waitstop; echo "wait $?" >> "$SAFEVAR/said"`;
	const toy = new Toy(t, { mirror: { ...simple, start_prim } });
	await toy.start();
	toy.run("start", "-m", "mirror");
	t.is(toy.run("waitstart", "-m", "mirror", "--timeout", "60").code, 0);
	t.deepEqual(toy.said().slice(1), ["code 4", "wait 4"]);
	t.regex(toy.run("log", "-m", "mirror").out, /\| userplug \| E \| it's \(not\) <good>, -x\n/);
});

test.serial("printe prints nothing", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	t.deepEqual(toy.run("printe", "-m", "mirror", "hello"), { code: 0, out: "", err: "" });
	t.deepEqual(toy.runWith({ SAFEMODULE: "mirror" }, "printi", "--strange", "text"), { code: 0, out: "", err: "" });
	t.regex(toy.run("log", "-m", "mirror", "-A", "-s", "1").out, /\| I \| --strange text\n$/);
});

test.serial("set with an equal value leaves no trace", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	const set = (value: string) => toy.run("set", "-m", "mirror", "-r", "custom.a", "-v", value, "-i", "check").code;
	t.is(set("up"), 0);
	const before = [
		toy.run("log", "-m", "mirror", "-A").out,
		toy.run("get", "-m", "mirror", "-r", "custom.a", "--json").out,
	];
	t.is(set("up"), 0);
	t.deepEqual(
		[toy.run("log", "-m", "mirror", "-A").out, toy.run("get", "-m", "mirror", "-r", "custom.a", "--json").out],
		before,
	);
	t.is(set("down"), 0);
	t.is(toy.run("get", "-m", "mirror", "-r", "custom.a").out, "down\n");
	t.is(toy.run("set", "-m", "mirror", "-r", "rfs.uptodate", "-v", "up").code, 2);
	t.is(toy.run("get", "-m", "mirror", "-r", "custom.b").code, 1);
});

test.serial("logview and state --watch follow until they are interrupted", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	for (const [args, expected] of [
		[["logview", "-m", "mirror"], "Action start called by root"],
		[["state", "--watch", "--json"], '"state":"ALONE"'],
	] as const) {
		const child = spawn(process.execPath, [launcher, ...args], { env: toy.env, stdio: ["ignore", "pipe", "inherit"] });
		let text = "";
		child.stdout.on("data", (part) => {
			text += part;
		});
		await sleep(500);
		toy.run("start", "-m", "mirror");
		await toy.until(() => text.includes(expected));
		child.kill("SIGINT");
		await once(child, "exit");
		toy.run("waitstart", "-m", "mirror");
		toy.run("stop", "-m", "mirror");
		toy.run("waitstop", "-m", "mirror");
	}
	t.pass();
});

test.serial("an automaton that contradicts itself brings its module down, and it can be started again", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	toy.run("start", "-m", "mirror");
	toy.run("waitstart", "-m", "mirror");
	toy.run("swap", "-m", "mirror");
	t.is(toy.run("waitstop", "-m", "mirror").code, 0);
	t.is(toy.said().at(-1), "stop_prim force WAIT STOP stop");
	t.regex(
		toy.run("log", "-m", "mirror").out,
		/\| C \| The module contradicts itself and is stopped: the toy cannot swap/,
	);
	t.is(toy.run("start", "-m", "mirror").code, 0);
});

test.serial("a second daemon on the same directories does not start", async (t) => {
	const toy = new Toy(t, {});
	await toy.start();
	const first = toy.pid;
	const second = spawnSync(process.execPath, [join(import.meta.dirname, "toyDaemon.ts")], { env: toy.env });
	t.is(second.status, 3);
	t.is(toy.pid, first);
	t.is(statSync(join(toy.safevar, "run/daemon.sock")).mode & 0o777, 0o600);
	t.is(toy.run("state").out.split("\n")[1], "No module is configured. `safekit module list` shows those installed.");
});

test.serial("without a daemon the launcher waits for one, then says how to start it", async (t) => {
	const toy = new Toy(t, {});
	const late = spawn(process.execPath, [launcher, "state"], { env: toy.env, stdio: ["ignore", "pipe", "pipe"] });
	await sleep(700);
	await toy.start();
	const [code] = await once(late, "exit");
	t.is(code, 0, "it came in time");
	await toy.kill("SIGKILL");
	const begin = Date.now();
	const answer = toy.run("state");
	t.is(answer.code, 1);
	t.regex(
		answer.err,
		/^Waiting for safeadmin \.{10}\nError: safeadmin administrator daemon not running\n.*systemctl start safeadmin/,
	);
	t.true(Date.now() - begin < 12_000);
});

test.serial("a full disk costs logs, not decisions", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=3m", "opensafe-full", toy.safevar]);
	if (mounted.status !== 0) return t.log("skipped: only root may mount");
	try {
		await toy.start();
		toy.run("start", "-m", "mirror");
		t.is(toy.run("waitstart", "-m", "mirror").code, 0);
		spawnSync("dd", ["if=/dev/zero", `of=${join(toy.safevar, "filler")}`, "bs=4k"]);
		t.is(toy.run("stop", "-m", "mirror").code, 0);
		t.is(toy.run("waitstop", "-m", "mirror", "--timeout", "20").code, 0);
		t.is(toy.run("set", "-m", "mirror", "-r", "custom.a", "-v", "down").code, 0);
		t.is(toy.run("get", "-m", "mirror", "-r", "custom.a").out, "down\n");
		t.is(toy.run("start", "-m", "mirror").code, 0);
		t.is(toy.run("waitstart", "-m", "mirror", "--timeout", "20").code, 0);
		t.is(toy.run("stop", "-m", "mirror").code, 0);
		t.is(toy.run("waitstop", "-m", "mirror", "--timeout", "20").code, 0);
		await toy.kill("SIGKILL");
		spawnSync("rm", [join(toy.safevar, "filler")]);
		await toy.start();
		t.is(toy.run("state", "-m", "mirror", "-l").out, "STOP NotReady\n", "the last state was stored in its old blocks");
	} finally {
		await toy.kill("SIGKILL");
		spawnSync("umount", ["-l", toy.safevar]);
	}
});

test.serial("a daemon that was killed while the disk was full starts again, and has its log", async (t) => {
	const server = new Server(t, "n1");
	mkdirSync(server.safevar);
	const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "opensafe-full", server.safevar]);
	if (mounted.status !== 0) return t.log("skipped: only root may mount");
	const pidFile = join(server.safevar, "run/daemon.pid");
	const filler = join(server.safevar, "filler");
	try {
		t.is(server.setup("setup").code, 0);
		await server.start();
		const before = readFileSync(pidFile, "utf8");
		server.run("start", "-m", "none");
		for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
			await server.kill(signal);
			spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"]);
			await server.start();
			t.true(!existsSync(pidFile) || readFileSync(pidFile, "utf8") !== before, "no other daemon's pid");
			t.regex(server.ok("cmdlog"), /START \| start -m none/, "what was logged before");
		}
		await server.kill("SIGKILL");
		rmSync(filler);
		await server.start();
		t.regex(readFileSync(pidFile, "utf8"), /^\d+\n$/);
		t.false(existsSync(join(server.safevar, "log.db.broken")));
		t.regex(server.ok("cmdlog"), /START \| start -m none/);
	} finally {
		await server.kill("SIGKILL");
		spawnSync("umount", ["-l", server.safevar]);
	}
});

test.serial("one call of the launcher is quick", async (t) => {
	const toy = new Toy(t, { mirror: simple });
	await toy.start();
	const times = Array.from({ length: 10 }, () => {
		const begin = performance.now();
		toy.run("get", "-m", "mirror", "-r", "none.none");
		return performance.now() - begin;
	}).sort((a, b) => a - b);
	t.log(`median ${Math.round(times[5] as number)} ms, best ${Math.round(times[0] as number)} ms`);
	// The best of ten: what other work on the machine costs is not the launcher's.
	t.true((times[0] as number) < 2000);
});
