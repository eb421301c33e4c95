import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { SafekitError } from "../../core/errors.ts";
import { runScript } from "../../core/scripts/run.ts";
import { isAlive, makePlace, pidIn, userlogs } from "./place.ts";

test("a script gets its arguments in order, runs in its folder, and prints into a user log", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("stop_prim", '#!/bin/bash\nfor a in "$@"; do echo "[$a]"; done\npwd\necho problem >&2\nexit 3\n');
	const args = ["force", "PRIM", "WAIT", "stop", "-Services", "a, b"];
	const running = await runScript(place.request("stop_prim", { args }), place.context);
	const result = await running?.ended;
	t.deepEqual(result, { ran: true, exitCode: 3, timedOut: false, userlog: running?.userlog ?? null });
	t.regex(running?.userlog ?? "", /^userlog_\d{4}-\d\d-\d\dT\d{6}_stop_prim\.ulog$/);
	const [header, ...lines] = place.userlog(running?.userlog).split("\n");
	t.regex(header ?? "", /^----------- \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d stop_prim$/);
	t.deepEqual(lines, [
		"[force]",
		"[PRIM]",
		"[WAIT]",
		"[stop]",
		"[-Services]",
		"[a, b]",
		place.module.userBin,
		"problem",
		"",
	]);
	t.deepEqual(place.log, []);
});

test("its own name is the script file", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("start_prim", '#!/bin/bash\nbasename "$0"\n');
	const running = await runScript(place.request("start_prim"), place.context);
	await running?.ended;
	t.true(place.userlog(running?.userlog).endsWith("\nstart_prim\n"));
});

test("a script without an interpreter line and without a last newline runs too", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("poststop", "echo done; exit 7");
	const running = await runScript(place.request("poststop"), place.context);
	t.is((await running?.ended)?.exitCode, 7);
	t.true(place.userlog(running?.userlog).endsWith("\ndone\n"));
});

test("a script that is missing, a folder, or a path is no script", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	mkdirSync(join(place.module.userBin, "update"));
	for (const name of ["start_prim", "update", "../bin/x"]) {
		t.is(await runScript(place.request(name), place.context), null);
	}
	t.deepEqual([place.log, userlogs(place)], [[], []]);
});

test("a script that is not executable is skipped with a warning that says what to do", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	const file = place.script("stop_prim", "#!/bin/sh\ntouch ran\n", 0o644);
	t.is(await runScript(place.request("stop_prim"), place.context), null);
	const text = `Script stop_prim is skipped: it is not executable (chmod +x ${file})`;
	t.deepEqual(place.log, [`E ${text}`]);
	t.deepEqual(userlogs(place), []);
	let printed = "";
	const output = (chunk: Buffer): void => {
		printed += chunk;
	};
	t.is(await runScript(place.request("stop_prim", { output }), place.context), null);
	t.is(printed, `Warning: ${text}\n`, "during config the person is told");
	t.is(place.log.length, 1);
});

test("a script that the system cannot execute says why", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("start_prim", "#!/bin/bash\r\nexit 0\r\n");
	const error = await t.throwsAsync(runScript(place.request("start_prim"), place.context), {
		instanceOf: SafekitError,
	});
	t.is((error as SafekitError).code, "SCRIPT_NOT_STARTED");
	t.regex(
		error?.message ?? "",
		/start_prim: its interpreter \/bin\/bash cannot run it: the line ends are those of Windows/,
	);
});

test("a script runs although its user log cannot be written", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("stop_prim", `#!/bin/sh\necho output\necho $$ > ${place.file("ran")}\n`);
	rmSync(place.module.userVar, { recursive: true });
	const blocked = { ...place.paths, module: () => ({ ...place.module, userVar: "/dev/null/none" }) };
	const running = await runScript(place.request("stop_prim"), { ...place.context, paths: blocked });
	t.deepEqual(await running?.ended, { ran: true, exitCode: 0, timedOut: false, userlog: null });
	t.is(await pidIn(place.file("ran")), running?.pid ?? 0);
	t.regex(place.log.join(), /^W Script stop_prim runs without a user log: ENOTDIR/);
});

test("without logging there is no user log", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("stop_prim", "#!/bin/sh\necho hello\n");
	const running = await runScript(place.request("stop_prim", { logging: false }), place.context);
	t.is((await running?.ended)?.exitCode, 0);
	t.deepEqual(userlogs(place), []);
});

test("during config the output goes to the person, all of it, and the code is known", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("postconfig", "#!/bin/bash\necho checking\necho 'no such service' >&2\nseq 1 20000\nexit 1\n");
	let text = "";
	const output = (chunk: Buffer): void => {
		text += chunk;
	};
	const running = await runScript(place.request("postconfig", { output }), place.context);
	t.deepEqual(await running?.ended, { ran: true, exitCode: 1, timedOut: false, userlog: null });
	t.true(text.startsWith("checking\nno such service\n1\n2\n"), "in the order in which it was printed");
	t.true(text.endsWith("\n20000\n"));
	t.deepEqual(userlogs(place), []);
});

test("a service that a config script leaves running does not hold up the configuration", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("config", `#!/bin/bash\nsleep 300 &\necho $! > ${place.file("pid")}\necho ready\n`);
	let text = "";
	const output = (chunk: Buffer): void => {
		text += chunk;
	};
	const running = await runScript(place.request("config", { output }), place.context);
	const before = Date.now();
	t.is((await running?.ended)?.exitCode, 0);
	t.true(Date.now() - before < 20_000);
	t.is(text, "ready\n");
	const pid = await pidIn(place.file("pid"));
	t.true(isAlive(pid));
	process.kill(pid);
});

test("what a start script leaves running in the background lives on after it", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("start_prim", `#!/bin/bash\nsleep 300 &\necho $! > ${place.file("pid")}\n`);
	const running = await runScript(place.request("start_prim"), place.context);
	t.is((await running?.ended)?.exitCode, 0);
	running?.kill();
	const pid = await pidIn(place.file("pid"));
	t.true(isAlive(pid), "a kill after the end reaches nothing");
	process.kill(pid, "SIGKILL");
});
