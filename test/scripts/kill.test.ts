/** Overdue scripts and what they leave behind (spec/09 §4: a hung stop script really ends). */
import { writeFileSync } from "node:fs";
import test from "ava";
import { killScript } from "../../core/scripts/kill.ts";
import { runScript } from "../../core/scripts/run.ts";
import { isAlive, makePlace, pidIn } from "./place.ts";

test("an overdue script gets TERM and may clean up", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("stop_prim", "#!/bin/bash\ntrap 'echo cleaned; exit 4' TERM\necho on\nwhile :; do sleep 0.1; done\n");
	const running = await runScript(place.request("stop_prim", { timeoutMs: 1500 }), place.context);
	t.deepEqual(await running?.ended, { ran: true, exitCode: null, timedOut: true, userlog: running?.userlog ?? null });
	t.true(place.userlog(running?.userlog).endsWith("\ncleaned\n"));
});

test("nothing of a hung script survives: children that ignore TERM, groups and sessions of their own", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	const stubborn = (name: string): string =>
		`bash -c 'trap "" TERM; echo $$ > ${place.file(name)}; while :; do sleep 1; done'`;
	place.script(
		"stop_prim",
		[
			"#!/bin/bash",
			`${stubborn("child")} &`,
			`( ( ${stubborn("orphan")} ) & )`,
			`set -m; ${stubborn("group")} & set +m`,
			`setsid ${stubborn("session")} &`,
			"while :; do sleep 1; done",
		].join("\n"),
	);
	const running = await runScript(place.request("stop_prim"), place.context);
	const names = ["child", "orphan", "group", "session"];
	const pids = await Promise.all(names.map((name) => pidIn(place.file(name))));
	t.deepEqual(
		pids.map(isAlive),
		pids.map(() => true),
	);
	const before = Date.now();
	running?.kill();
	running?.kill();
	const result = await running?.ended;
	t.true(Date.now() - before >= 5000, "they had five seconds");
	t.is(result?.timedOut, false, "killed on request, not by the clock");
	t.deepEqual(pids.filter(isAlive), []);
});

test("the negative control: without the look at the session the orphan survives", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script(
		"stop_prim",
		`#!/bin/bash\n( ( trap '' TERM; echo $BASHPID > ${place.file("orphan")}; sleep 300 ) & )\nsleep 300\n`,
	);
	const { system } = place.context;
	const onlyLeader = {
		...system,
		processesOf: (leader: { pid: number; startTime: string }) => (system.isAlive(leader) ? [leader] : []),
	};
	const running = await runScript(place.request("stop_prim"), { ...place.context, system: onlyLeader });
	const orphan = await pidIn(place.file("orphan"));
	running?.kill();
	await running?.ended;
	t.true(isAlive(orphan));
	t.deepEqual(await killScript(system, { pid: running?.pid ?? 0, startTime: running?.startTime ?? "" }), []);
	t.false(isAlive(orphan));
});

test("a process that got the number of an old script is left alone", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("start_prim", "#!/bin/sh\nexec sleep 300\n");
	const running = await runScript(place.request("start_prim"), place.context);
	const pid = running?.pid ?? 0;
	t.deepEqual(await killScript(place.context.system, { pid, startTime: "1" }), []);
	t.true(isAlive(pid));
	running?.kill();
	await running?.ended;
	t.false(isAlive(pid));
});

test("a script within its time is not touched by its timer afterwards", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	writeFileSync(place.file("x"), "");
	place.script("stop_prim", "#!/bin/sh\nexit 0\n");
	const running = await runScript(place.request("stop_prim", { timeoutMs: 60_000 }), place.context);
	t.deepEqual(await running?.ended, { ran: true, exitCode: 0, timedOut: false, userlog: running?.userlog ?? null });
});
