/** Scripts outlive the daemon, and the next daemon finds them again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { adoptScript } from "../../core/scripts/run.ts";
import { isAlive, makePlace, type Place, pidIn, until } from "./place.ts";

interface Started {
	pid: number;
	startTime: string;
	userlog: string;
}

/** Starts start_prim in a process of its own, which dies by `kill -9` at once. */
async function startAndLoseDaemon(t: ExecutionContext, place: Place): Promise<Started> {
	const env = { ...process.env, SAFE: place.paths.safe, SAFEVAR: place.paths.safevar };
	const daemon = spawn(process.execPath, [`${import.meta.dirname}/adopt.fixture.ts`], {
		env,
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [line] = await once(daemon.stdout, "data");
	const died = once(daemon, "exit");
	daemon.kill("SIGKILL");
	t.deepEqual(await died, [null, "SIGKILL"], "the daemon really died");
	return JSON.parse(String(line)) as Started;
}

test("a script runs on when the daemon is killed, prints on, and the next daemon sees its end", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script(
		"start_prim",
		`#!/bin/bash\necho one\nuntil [ -e ${place.file("go")} ]; do sleep 0.05; done\necho two\n`,
	);
	const started = await startAndLoseDaemon(t, place);
	const adopted = adoptScript({ ...started, module: "app" }, place.context);
	t.is(adopted?.pid, started.pid);
	writeFileSync(place.file("go"), "");
	t.deepEqual(await adopted?.ended, { ran: true, exitCode: null, timedOut: false, userlog: started.userlog });
	t.true(place.userlog(started.userlog).endsWith("\none\ntwo\n"));
	t.is(adoptScript({ ...started, module: "app" }, place.context), null, "it has ended");
	t.is(
		adoptScript({ ...started, pid: process.pid, module: "app" }, place.context),
		null,
		"another process has its number",
	);
});

test("an adopted script can be killed with all that it started", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script(
		"start_prim",
		`#!/bin/bash\n( trap '' TERM; echo $BASHPID > ${place.file("child")}; while :; do sleep 1; done ) &\nwait\n`,
	);
	const started = await startAndLoseDaemon(t, place);
	const child = await pidIn(place.file("child"));
	const adopted = adoptScript({ ...started, module: "app" }, place.context);
	adopted?.kill();
	await adopted?.ended;
	t.deepEqual([isAlive(started.pid), isAlive(child)], [false, false]);
});

test("the daemon dies between TERM and KILL: what an overdue script left behind is ended by the next one", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script(
		"start_prim",
		`#!/bin/bash\n( trap '' TERM; echo $BASHPID > ${place.file("child")}; while :; do sleep 1; done ) &\nwait\n`,
	);
	const started = await startAndLoseDaemon(t, place);
	const child = await pidIn(place.file("child"));
	process.kill(started.pid, "SIGTERM");
	await until(() => !isAlive(started.pid));
	t.is(adoptScript({ ...started, module: "app" }, place.context), null, "in its time, its children are its own affair");
	t.true(isAlive(child));
	const adopted = adoptScript({ ...started, module: "app", overdue: true }, place.context);
	adopted?.kill();
	await adopted?.ended;
	t.false(isAlive(child));
	t.false(existsSync(place.file("go")));
});
