/** Virtual host names: what a script that sources the generated file sees, and what the server keeps (spec/02 §8). */
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import test, { type ExecutionContext } from "ava";
import { runScript } from "../../core/scripts/run.ts";
import { environmentFile, type VirtualHost } from "../../core/scripts/vhost.ts";
import { makePlace, type Place } from "./place.ts";

const possible = spawnSync("unshare", ["--uts", "true"]).status === 0;
const inNamespace = possible ? test : test.skip;

const report = 'echo "$(uname -n) $(cat /proc/sys/kernel/hostname) pid=$$ $*"\n';

function placeWith(t: ExecutionContext, when: VirtualHost["when"]): Place {
	const place = makePlace();
	t.teardown(place.remove);
	place.script("vhostenv.sh", environmentFile({ name: "app-server", envfile: "vhostenv.sh", when }), 0o755);
	return place;
}

async function lines(place: Place, script: string, args: string[], shell = "bash"): Promise<string[]> {
	place.script(script, `#!/bin/${shell}\n. "$SAFEUSERBIN/vhostenv.sh"\n${report}`);
	const running = await runScript(place.request(script, { args }), place.context);
	if (running === null) throw new Error("it did not run");
	await running.ended;
	return place
		.userlog(running.userlog)
		.trimEnd()
		.split("\n")
		.slice(1)
		.map((line) => line.replace(`pid=${running.pid}`, "pid=same"));
}

for (const shell of ["bash", "sh"]) {
	inNamespace(`${shell}: the script and what it starts have the name, under the same pid and arguments`, async (t) => {
		const place = placeWith(t, "prim");
		t.deepEqual(await lines(place, "start_prim", ["WAIT", "ALONE", "start", "-Services", "a b, c"], shell), [
			"app-server app-server pid=same WAIT ALONE start -Services a b, c",
		]);
		t.not(hostname(), "app-server");
	});
}

inNamespace("the name holds in the states of `when`", async (t) => {
	const own = hostname();
	const cases: [VirtualHost["when"], string, string[], string][] = [
		["prim", "stop_prim", ["force", "WAIT", "STOP", "stop"], "app-server"],
		["prim", "start_second", ["WAIT", "SECOND", "start"], own],
		["prim", "start_both", ["WAIT", "SECOND", "start"], own],
		["prim", "start_both", ["WAIT", "PRIM", "start"], "app-server"],
		["prim", "stop_both", ["ALONE", "WAIT", "stop"], "app-server"],
		["prim", "prestart", [], "app-server"],
		["second", "start_second", ["WAIT", "SECOND", "start"], "app-server"],
		["second", "start_prim", ["SECOND", "ALONE", "start"], own],
		["second", "stop_both", ["SECOND", "WAIT", "stop"], "app-server"],
		["both", "start_second", ["WAIT", "SECOND", "start"], "app-server"],
		["both", "transition", ["STOP", "WAIT", "start"], "app-server"],
	];
	for (const [when, script, args, expected] of cases) {
		const [line = ""] = await lines(placeWith(t, when), script, args);
		t.is(line.split(" ")[0], expected, `${when} ${script} ${args.join(" ")}`);
	}
});

test("the generated file is what shellcheck accepts", (t) => {
	for (const when of ["prim", "second", "both"] as const) {
		const input = environmentFile({ name: "app-server", envfile: "vhostenv.sh", when });
		const checked = spawnSync("shellcheck", ["-s", "sh", "-"], { input, encoding: "utf8" });
		if (checked.error === undefined) t.is(checked.stdout, "");
		t.is(spawnSync("sh", ["-n"], { input }).status, 0);
	}
});
