import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { systemClock } from "../../core/log/clock.ts";
import { nextTime, scheduleProblem } from "../../core/module/schedule.ts";
import { Schedule } from "../../core/node/schedule.ts";
import { dataPair } from "./dataPair.ts";

test("schedules have the syntax of crontab", (t) => {
	t.is(scheduleProblem("01 0 * * *"), null);
	t.is(scheduleProblem("*/10 8-18 * * 1-5"), null);
	for (const wrong of ["/SC DAILY /ST 00:01:00", "", "61 0 * * *", "* * * * * *", "0 0 30 2 *"]) {
		t.truthy(scheduleProblem(wrong), wrong);
	}
	t.deepEqual(nextTime("30 12 * * *", new Date(2026, 0, 1, 13)), new Date(2026, 0, 2, 12, 30));
});

test("a schedule calls at its time, once", async (t) => {
	let calls = 0;
	const schedule = new Schedule("* * * * *", () => calls++, systemClock, Date.now() - 61_000);
	t.teardown(() => schedule.stop());
	await sleep(200);
	t.is(calls, 1);
});

test.serial("syncat: the secondary waits, is synchronized when it is let through, and waits again", async (t) => {
	const { n1, n2, dirs } = await dataPair(t, 'syncat="0 0 1 1 *"');
	const content = () => readFileSync(join(dirs[1], "file"), "utf8");
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
	writeFileSync(join(dirs[0], "file"), "first");
	n2.ok("start", "-m", "m");
	n2.ok("waitstate", "-m", "m", "WAIT", "--timeout", "30");
	const { modules } = JSON.parse(n2.ok("state", "--json"));
	t.is(modules[0].rule, "rfs_syncat_wait");
	t.regex(modules[0].why, /safekit set -r rfs\.syncat -v up/);
	t.is(n2.ok("get", "-m", "m", "-r", "rfs.syncat").trim(), "down");
	for (const text of ["first", "second"]) {
		writeFileSync(join(dirs[0], "file"), text);
		n2.ok("set", "-m", "m", "-r", "rfs.syncat", "-v", "up");
		await n2.until(() => n2.log("m").split("Reintegration ended").length === (text === "first" ? 2 : 3));
		n2.ok("waitstate", "-m", "m", "WAIT", "--timeout", "30");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "30");
		t.is(n2.ok("get", "-m", "m", "-r", "rfs.syncat").trim(), "down");
		t.is(content(), text);
	}
	t.is(n1.run("set", "-m", "m", "-r", "rfs.uptodate", "-v", "up").code, 2, "only rfs.syncat is for persons");
});
