/** Processes are counted as `<proc>` says, and what is wrong is acted upon once (spec/02 §9). */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { ProcessTable } from "../../../core/checkers/watched/table.ts";
import { Watch } from "../../../core/checkers/watched/watch.ts";
import { systemClock } from "../../../core/log/clock.ts";
import type { ProcSettings } from "../../../core/module/settings/errd.ts";
import { processes } from "../../../core/platform/linux/processes.ts";
import { Processes } from "./processes.ts";

/** Names that no other test has. */
const own = (name: string): string => `${name}${process.pid}`;

function proc(name: string, more: Partial<ProcSettings> = {}): ProcSettings {
	return {
		name,
		resource: `proc.${name}`,
		service: false,
		nameRegex: null,
		argRegex: null,
		class: "prim",
		action: "restart",
		restartServices: null,
		skippedLooks: 0,
		atLeast: 1,
		atMost: null,
		...more,
	};
}

function watched(t: ExecutionContext, procs: ProcSettings[], handled = async (): Promise<boolean> => true) {
	const values = new Map<string, string>();
	const log: string[] = [];
	const acted: string[] = [];
	const options = {
		// Every look of a test is a new one.
		clock: systemClock,
		table: new ProcessTable(processes),
		set: (resource: string, value: string) => void values.set(resource, value),
		log: (level: string, text: string) => void log.push(`${level} ${text}`),
		act: (action: string, services: string | null) =>
			acted.push(services === null ? action : `${action} ${services}`) > 0,
		handle: (handler: string, resource: string) => {
			acted.push(`${handler} ${resource}`);
			return handled();
		},
	};
	// So long that only the test looks.
	const watch = new Watch(options, { pollMs: 10_000_000, procs }, true);
	t.teardown(() => watch.detach());
	const look = async (): Promise<void> => {
		await sleep(600);
		await watch.look();
	};
	return { watch, look, values, log, acted };
}

test("names, arguments and numbers", async (t) => {
	const [one, two] = [own("one"), own("two")];
	const running = new Processes(t);
	await running.start(one, 2);
	await running.start(two, 1, "1");
	const procs = [
		proc(one),
		proc("pair", { nameRegex: `^(one|two)${process.pid}$`, atLeast: 3 }),
		proc("less", { nameRegex: `^${one}$`, atLeast: 3, action: "noaction" }),
		proc("args", { nameRegex: `^${two}$`, argRegex: `/${two} 1000 1$` }),
		proc("other", { nameRegex: `^${two}$`, argRegex: "1000 2", action: "noaction" }),
		proc("most", { nameRegex: `^${one}$`, atLeast: null, atMost: 2, action: "noaction" }),
		proc("more", { nameRegex: `^${one}$`, atLeast: null, atMost: 3, action: "noaction" }),
		proc("none", { nameRegex: "^nothing-is-called-so$", atLeast: null, atMost: 0, action: "noaction" }),
		proc("any", { nameRegex: `^${two}$`, atLeast: null, atMost: 0, action: "noaction" }),
	];
	const { watch, look, values, log } = watched(t, procs);
	watch.enable("prim", true);
	await look();
	const wrong = ["less", "other", "most", "any"];
	for (const { name, resource } of procs) t.is(values.get(resource), wrong.includes(name) ? "down" : "up", name);
	t.deepEqual(log, [
		"E Process less not running",
		"E Process other not running",
		"E Process most is running, and atmax is 2",
		"E Process any is running, and atmax is 0",
	]);
	await look();
	t.is(log.length, 4, "what stays wrong is told once");
});

test("a name of more than 15 characters is known by its beginning", async (t) => {
	const name = `a-long-name-of-a-program-${process.pid}`;
	await new Processes(t).start(name);
	const { watch, look, values } = watched(t, [proc(name)]);
	watch.enable("prim", true);
	await look();
	t.is(values.get(`proc.${name}`), "up");
});

test("one command for all that is wrong, the strongest, once until the module has done something", async (t) => {
	const { watch, look, values, acted } = watched(t, [
		proc("ghost1", { restartServices: "a, b", service: false }),
		proc("ghost2", { restartServices: "b, c" }),
		proc("ghost3", { action: "stopstart", class: "both" }),
		proc("ghost4", { action: "noaction" }),
	]);
	watch.enable("prim", true);
	await look();
	t.deepEqual(acted, ["restart a, b, c"]);
	await look();
	t.deepEqual(acted, ["restart a, b, c"]);
	watch.enable("prim", false);
	t.is(values.get("proc.ghost1"), "init");
	watch.enable("prim", true);
	watch.enable("both", true);
	await look();
	t.deepEqual(acted.slice(1), ["stopstart"]);
});

test("start_after leaves looks out; off and on; a class by hand", async (t) => {
	const { watch, look, values } = watched(t, [proc("ghost", { skippedLooks: 2, class: "mine", action: "noaction" })]);
	watch.enable("prim", true);
	await look();
	t.is(values.get("proc.ghost"), "init");
	watch.enable("mine", true);
	for (const expected of ["init", "init", "down"]) {
		await look();
		t.is(values.get("proc.ghost"), expected);
	}
	watch.switch(false);
	t.is(values.get("proc.ghost"), "unknown");
	await look();
	t.is(values.get("proc.ghost"), "unknown");
	watch.switch(true);
	await look();
	t.is(values.get("proc.ghost"), "down");
	watch.disableAll();
	t.is(values.get("proc.ghost"), "init");
});

test("after a restart of the daemon no resource is touched before a look", async (t) => {
	const { watch, look, values } = watched(t, [proc("ghost", { action: "noaction" }), proc("other", { class: "sec" })]);
	watch.resume(["prim"]);
	watch.enable("sec", true);
	t.deepEqual([...values], [["proc.other", "init"]]);
	await look();
	t.is(values.get("proc.ghost"), "down");
});

test("a handler that repairs is enough; one that fails leads to a stopstart", async (t) => {
	let repaired = true;
	const procs = [proc("ghost", { action: { handler: "mend" }, class: "mine" })];
	const { watch, look, acted } = watched(t, procs, async () => repaired);
	watch.enable("mine", true);
	await look();
	t.deepEqual(acted, ["mend proc.ghost"]);
	repaired = false;
	await look();
	await sleep(50);
	t.deepEqual(acted, ["mend proc.ghost", "mend proc.ghost", "stopstart"]);
});

test("a process that has ended and was not noticed by its parent does not run", async (t) => {
	// The shell becomes a program that never asks for the end of its child.
	const parent = spawn("/bin/bash", ["-c", "sleep 0.1 & echo $!; exec sleep 100"], {
		stdio: ["ignore", "pipe", "ignore"],
	});
	t.teardown(() => parent.kill("SIGKILL"));
	const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
	for (let waited = 0; !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8")) && waited < 200; waited++)
		await sleep(50);
	t.true((await processes.names()).has(pid));
	t.false(processes.isRunning(pid));
});

test("looks are shared by those who ask at the same time", async (t) => {
	let read = 0;
	const counted = {
		...processes,
		names: () => {
			read++;
			return processes.names();
		},
	};
	const table = new ProcessTable(counted);
	await Promise.all([table.look(), table.look(), table.look()]);
	t.is(read, 1);
	await sleep(600);
	await table.look();
	t.is(read, 2);
});
