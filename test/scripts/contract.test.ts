/** What published packages demand of whoever runs their scripts (spec/09 §3–§4), one script for each demand. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { runScript } from "../../core/scripts/run.ts";
import type { ScriptRequest, ScriptResult } from "../../core/scripts/runner.ts";
import { installSafebin } from "../../core/scripts/safebin.ts";
import { isAlive, makePlace, type Place, pidIn, userlogs } from "./place.ts";

interface Ran extends ScriptResult {
	lines: string[];
}

async function run(place: Place, script: string, text: string, more: Partial<ScriptRequest> = {}): Promise<Ran> {
	place.script(script, text);
	const running = await runScript(place.request(script, more), place.context);
	const result = await running?.ended;
	if (result === undefined) throw new Error("it did not run");
	return { ...result, lines: place.userlog(result.userlog).trimEnd().split("\n").slice(1) };
}

function placeOf(t: ExecutionContext): Place {
	const place = makePlace();
	t.teardown(place.remove);
	return place;
}

test("PATH holds the programs of all packages, and /bin/awk exists", async (t) => {
	const programs = "systemctl grep sed xargs basename ps mount umount uname cut tr uniq realpath timeout";
	const text = `#!/bin/sh\nfor p in ${programs}; do command -v $p >/dev/null || echo "$p is missing"; done\n[ -x /bin/awk ] || echo awk\necho ":$PATH:"\n`;
	const { lines } = await run(placeOf(t), "start_prim", text);
	t.is(lines.length, 1, lines.join());
	for (const folder of ["/usr/local/bin", "/usr/sbin", "/sbin"]) t.true(lines[0]?.includes(`:${folder}:`));
});

test("SAFEUSERBIN is absolute and works unquoted; the inner runs of prestart have no user log of their own", async (t) => {
	const place = placeOf(t);
	place.script("stop_prim", '#!/bin/bash\necho "stop $# $1"\n');
	place.script("stop_both", "#!/bin/bash\necho never\n", 0o644);
	const text =
		'#!/bin/bash\nfor s in stop_second stop_prim stop_both; do for f in "" force; do if [ -x $SAFEUSERBIN/$s ]; then $SAFEUSERBIN/$s $f; fi; done; done\n';
	const { lines } = await run(place, "prestart", text, { args: ["STOP", "WAIT", "start"] });
	t.deepEqual(lines, ["stop 0 ", "stop 1 force"]);
	t.is(userlogs(place).length, 1);
});

test("a script loads its library from SAFEUSERBIN, with syntax that only bash has", async (t) => {
	const place = placeOf(t);
	place.script(
		"module_scripts_utils",
		`function names() { local -a a; IFS=, read -ra a <<< "$1"; echo "\${#a[@]}"; }\n`,
	);
	const text = '#!/bin/bash\nsource "$SAFEUSERBIN/module_scripts_utils"\nnames "$SERVICES"\necho "$SAFEMODULE"\n';
	const { lines } = await run(place, "start_prim", text, { vars: [{ name: "SERVICES", value: "a,b,c" }] });
	t.deepEqual(lines, ["3", "app"]);
});

test("SAFEUSERVAR is there and can be written, SAFEUSERCONF holds safeconf.xml, which xpathGet reads", async (t) => {
	const place = placeOf(t);
	await installSafebin(place.paths.safebin, process.execPath);
	writeFileSync(
		join(place.module.userConf, "safeconf.xml"),
		'<safe><service><user><var name="SERVICES" value="a, b"/></user></service></safe>',
	);
	const text = `#!/bin/bash\necho kept > $SAFEUSERVAR/own\nSERVICES=$($SAFEBIN/xpathGet "//user/var[@name='SERVICES']/@value" "$SAFEUSERCONF/safeconf.xml")\necho "$SERVICES"\n`;
	const { lines } = await run(place, "postconfig", text);
	t.deepEqual(lines, ["a, b"]);
	t.is(readFileSync(join(place.module.userVar, "own"), "utf8"), "kept\n");
});

test("-Services: all that follows it to the end of the line is the list", async (t) => {
	const text =
		'#!/bin/bash\nwhile [ $# -gt 0 ] && [ "$1" != -Services ]; do echo "state $1"; shift; done; shift; echo "list $*"\n';
	const args = ["force", "ALONE", "ALONE", "restart", "-Services", "first, second one"];
	const { lines } = await run(placeOf(t), "stop_prim", text, { args });
	t.deepEqual(lines, ["state force", "state ALONE", "state ALONE", "state restart", "list first, second one"]);
});

test("a script calls safekit while it runs, by its identity, and goes on", async (t) => {
	const place = placeOf(t);
	writeFileSync(join(place.paths.safe, "safekit"), `#!/bin/sh\necho "$SAFEMODULE $*" >> ${place.file("calls")}\n`, {
		mode: 0o755,
	});
	const text =
		'#!/bin/bash\n"$SAFE/safekit" printe "service (x) <y>, \\"z\\""\n"$SAFE/safekit" stop -i "$(basename "$0")"\necho after\nexit 1\n';
	const { lines, exitCode } = await run(place, "start_prim", text);
	t.deepEqual([lines, exitCode], [["after"], 1]);
	t.is(readFileSync(place.file("calls"), "utf8"), 'app printe service (x) <y>, "z"\napp stop -i start_prim\n');
});

test("an exit code of -1 is a result like others", async (t) => {
	t.like(await run(placeOf(t), "stop_prim", "#!/bin/bash\nexit -1\n"), { ran: true, exitCode: 255, timedOut: false });
});

test("a script may do without a language, and none is forced on it", async (t) => {
	const place = placeOf(t);
	const context = { ...place.context, env: {} };
	place.script("start_prim", "#!/bin/bash\nunset LANG\nprintenv LC_ALL || echo unset\n");
	const running = await runScript(place.request("start_prim"), context);
	await running?.ended;
	t.true(place.userlog(running?.userlog).endsWith("\nunset\n"));
});

test("a stop script that waits for ever lets go of what it holds when its time is over", async (t) => {
	const place = placeOf(t);
	const lock = place.file("mutex");
	const text = `#!/bin/bash\nexec 9> ${lock}\nflock 9\necho $$ > ${place.file("pid")}\nuntil false; do sleep 5; done\n`;
	const result = await run(place, "stop_prim", text, { timeoutMs: 1000 });
	t.true(result.timedOut);
	t.false(isAlive(await pidIn(place.file("pid"))));
	const { exitCode } = await run(place, "stop_both", `#!/bin/bash\nexec 9> ${lock}\nflock -n 9\n`);
	t.is(exitCode, 0, "no orphan holds the lock");
});

test("a start script has no limit: it is still there after the time of others", async (t) => {
	const place = placeOf(t);
	const { exitCode, lines } = await run(place, "start_prim", "#!/bin/sh\nsleep 2\necho done\n", { timeoutMs: null });
	t.deepEqual([exitCode, lines], [0, ["done"]]);
});
