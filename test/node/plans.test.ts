import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { startTimeOf } from "../../core/platform/linux/server.ts";
import { Toy } from "./toy.ts";

const say = (text: string) => `echo "${text}" >> "$SAFEVAR/said"`;
const simple = { start_prim: say("start_prim"), stop_prim: say("stop_prim") };

/** What scripts do that wait for the test, or for its end. */
const waitForTest = `while [ -e "$SAFEVAR" ] && [ ! -e "$SAFEVAR/go" ]; do sleep 0.1; done`;
const stateFile = (toy: Toy): string => join(toy.safevar, "modules/mirror/state.json");
const storedPlan = (toy: Toy) => JSON.parse(readFileSync(stateFile(toy), "utf8")).plan;

/** What the dead daemon had not stored yet of its plan. Returns the plan that it had stored. */
function forget(toy: Toy, what: object) {
	const stored = JSON.parse(readFileSync(stateFile(toy), "utf8"));
	writeFileSync(stateFile(toy), JSON.stringify({ ...stored, plan: { ...stored.plan, ...what } }));
	return stored.plan;
}

test.serial("a daemon killed before it noted a script's pid finds the script by its run id", async (t) => {
	const toy = new Toy(t, {
		mirror: { start_prim: `${say("begin")}; ${waitForTest}; ${say("end")}`, start_sec: say("after") },
	});
	await toy.start();
	toy.run("start", "-m", "mirror");
	await toy.until(() => toy.said().includes("begin") && storedPlan(toy)?.script?.pid !== undefined);
	await toy.kill("SIGKILL");
	forget(toy, { script: null });
	await toy.start();
	await toy.until(() => storedPlan(toy)?.script?.pid !== undefined);
	writeFileSync(join(toy.safevar, "go"), "");
	t.is(toy.run("waitstart", "-m", "mirror").code, 0);
	t.deepEqual(toy.said(), ["begin", "end", "after"]);
});

test.serial("without pid and run id it would run twice (negative control)", async (t) => {
	const toy = new Toy(t, { mirror: { start_prim: `${say("begin")}; ${waitForTest}; ${say("end")}` } });
	await toy.start();
	toy.run("start", "-m", "mirror");
	await toy.until(() => toy.said().includes("begin"));
	await toy.kill("SIGKILL");
	forget(toy, { script: null, run: null });
	await toy.start();
	await toy.until(() => toy.said().filter((line) => line === "begin").length === 2);
	writeFileSync(join(toy.safevar, "go"), "");
	t.pass();
});

test.serial("forcestop kills the running script and all that it started", async (t) => {
	const toy = new Toy(t, { mirror: { start_prim: `sleep 1000 & echo $! >> "$SAFEVAR/said"; sleep 1000` } });
	await toy.start();
	toy.run("start", "-m", "mirror");
	await toy.until(() => toy.said().length === 1);
	const pid = Number(toy.said()[0]);
	t.not(startTimeOf(pid), null);
	t.is(toy.run("forcestop", "-m", "mirror").code, 0);
	t.is(toy.run("waitstop", "-m", "mirror", "--timeout", "30").code, 0);
	t.is(startTimeOf(pid), null);
});

test.serial("a stop script that hangs is killed at its timeout, also by the next daemon", async (t) => {
	const toy = new Toy(t, { mirror: { ...simple, stop_prim: `${say("stop begins")}; sleep 1000` } });
	await toy.start();
	for (const [round, killed] of ["never", "later", "before it noted the script"].entries()) {
		toy.run("start", "-m", "mirror");
		toy.run("waitstart", "-m", "mirror");
		toy.run("stop", "-m", "mirror");
		if (round > 0) {
			await toy.until(() => toy.said().filter((line) => line === "stop begins").length === round + 1);
			await toy.kill("SIGKILL");
			if (round === 2) forget(toy, { script: null });
			await toy.start();
		}
		t.is(toy.run("waitstop", "-m", "mirror", "--timeout", "30").code, 0, `killed: ${killed}`);
	}
	t.regex(
		toy.run("log", "-m", "mirror").out,
		/\| userplug \| E \| Script stop_prim did not end in time and was killed\n/,
	);
});

test.serial("waiting has its own exit code, and a start that fails is told", async (t) => {
	const toy = new Toy(t, { mirror: { start_prim: "sleep 2" } });
	await toy.start();
	toy.run("start", "-m", "mirror");
	const late = toy.run("waitstart", "-m", "mirror", "--timeout", "0", "--json");
	t.is(late.code, 5);
	t.is(JSON.parse(late.out).error.code, "CLI_TIMEOUT");
	toy.run("waitstart", "-m", "mirror");
	toy.run("stop", "-m", "mirror");
	toy.run("waitstop", "-m", "mirror");
	t.is(toy.run("waitstart", "-m", "mirror").code, 1);
});

test.serial('boot="auto" starts what ran when the server went down, and nothing else', async (t) => {
	const toy = new Toy(t, { auto: simple });
	const boots = async (run: string): Promise<void> => {
		await toy.kill("SIGKILL");
		await toy.start({ TOY_INCARNATION: run });
	};
	await boots("first");
	await sleep(300);
	t.is(toy.run("state", "-m", "auto", "-l").out, "STOP NotReady\n");
	toy.run("start", "-m", "auto");
	toy.run("waitstart", "-m", "auto");
	t.is(toy.run("shutdown").code, 0);
	t.is(toy.run("state", "-m", "auto", "-l").out, "STOP NotReady\n");
	await boots("second");
	t.is(toy.run("waitstate", "-m", "auto", "ALONE", "--timeout", "20").code, 0);
	await boots("third: it ran when the power went");
	t.is(toy.run("waitstate", "-m", "auto", "ALONE", "--timeout", "20").code, 0);
	toy.run("stop", "-m", "auto");
	toy.run("waitstop", "-m", "auto");
	await boots("fourth");
	await sleep(300);
	t.is(toy.run("state", "-m", "auto", "-l").out, "STOP NotReady\n");
});

test.serial("a restart of the service starts its boot modules again, a kill after a shutdown does not", async (t) => {
	const toy = new Toy(t, { booted: simple });
	await toy.start({ TOY_INCARNATION: "one" });
	t.is(toy.run("waitstate", "-m", "booted", "ALONE", "--timeout", "20").code, 0);
	for (let round = 0; round < 2; round++) {
		t.is(toy.run("shutdown").code, 0);
		t.is(toy.run("state", "-m", "booted", "-l").out, "STOP NotReady\n");
		await toy.kill("SIGTERM");
		await toy.start({ TOY_INCARNATION: "one" });
		t.is(toy.run("waitstate", "-m", "booted", "ALONE", "--timeout", "20").code, 0);
	}
	t.is(toy.run("shutdown").code, 0);
	await toy.kill("SIGKILL");
	await toy.start({ TOY_INCARNATION: "one" });
	await sleep(300);
	t.is(toy.run("state", "-m", "booted", "-l").out, "STOP NotReady\n");
});

test.serial("boot_delay waits, off never starts, ignore obeys `safekit boot`", async (t) => {
	const toy = new Toy(t, { delayed: simple, off: simple, flagged: simple, ignored: simple });
	await toy.start({ TOY_INCARNATION: "one" });
	for (const name of ["off", "flagged"]) t.is(toy.run("boot", "on", "-m", name).code, 0);
	t.is(toy.run("boot", "on", "-m", "ignored").code, 0);
	t.is(toy.run("boot", "off", "-m", "ignored").code, 0);
	await toy.kill("SIGKILL");
	const from = Date.now();
	await toy.start({ TOY_INCARNATION: "two" });
	t.is(toy.run("waitstate", "-m", "flagged", "ALONE", "--timeout", "20").code, 0);
	t.is(toy.run("waitstate", "-m", "delayed", "ALONE", "--timeout", "20").code, 0);
	t.true(Date.now() - from >= 4000);
	for (const name of ["off", "ignored"]) t.is(toy.run("state", "-m", name, "-l").out, "STOP NotReady\n");
});
