/** Spec/09 §4, §5, §8 and §10 on a real daemon: what scripts of the published packages do, and what has to come of it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { clusterXml, installSource, Server, writeModule } from "../../node/server.ts";

const service = (user = ""): string =>
	`<service mode="mirror"><heart pulse="100" timeout="1000"><heartbeat name="default"/></heart><user nicestoptimeout="3" forcestoptimeout="3">${user}</user></service>`;
/** As the published library takes its identity. */
const identity = '"$(basename "$0")"';

async function server(t: ExecutionContext): Promise<Server> {
	const made = new Server(t, "n1");
	writeFileSync(join(made.folder, "cluster.xml"), clusterXml);
	made.setup("setup");
	await made.start();
	made.ok("cluster", "config", join(made.folder, "cluster.xml"));
	return made;
}

function module(server: Server, name: string, scripts: Record<string, string>, user = ""): void {
	installSource(server, name, writeModule(join(server.folder, `source-${name}`), service(user), scripts));
}

test.serial(
	"config: new scripts and safeconf.xml are there, what scripts print reaches the person, postconfig decides",
	async (t) => {
		const node = await server(t);
		const postconfig = `
list=$("$SAFEBIN/xpathGet" "//user/var[@name='SERVICES']/@value" "$SAFEUSERCONF/safeconf.xml")
echo "postconfig sees $(ls "$SAFEUSERBIN" | tr "\\n" " ")and [$list] [$SERVICES]"
[ "\${list#*missing}" = "$list" ] && exit 0
echo "service missing does not exist" >&2
exit 1`;
		module(node, "m", { config: "echo early; exit 7", postconfig }, '<var name="SERVICES" value="a, missing"/>');
		const refused = node.run("config", "-m", "m");
		t.is(refused.code, 1);
		t.regex(
			refused.err,
			/early\n[\s\S]*postconfig sees config postconfig and \[a, missing\] \[a, missing\]\n[\s\S]*service missing does not exist/,
		);
		t.is(node.run("state", "-m", "m").code, 1, "nothing is in force");

		const file = join(node.safe, "modules/m/conf/userconfig.xml");
		writeFileSync(file, readFileSync(file, "utf8").replace("a, missing", "a"));
		const done = node.run("config", "-m", "m");
		t.is(done.code, 0, done.err);
		t.regex(done.err, /the script config ended with 7/, "only postconfig decides");
		node.ok("deconfig", "-m", "m");
		t.is(node.run("start", "-m", "m").code, 1);
	},
);

test.serial(
	"a script that fails stops its module from inside, in its own name; an exit code alone does nothing",
	async (t) => {
		const node = await server(t);
		const fail = `"$SAFE/safekit" printe "failed to start (x) <y>, z"\n"$SAFE/safekit" stop -i ${identity}\nexit 1`;
		module(node, "starts", { start_prim: fail, stop_prim: 'echo "stop_prim $*" >> "$SAFEVAR/said"' });
		module(node, "prepares", { prestart: fail });
		module(node, "returns", { prestart: "exit 255", start_prim: "exit 255", stop_prim: "exit 255" });
		for (const name of ["starts", "prepares", "returns"]) {
			node.ok("config", "-m", name);
			node.ok("start", "-m", name);
		}
		for (const [name, script] of [
			["starts", "start_prim"],
			["prepares", "prestart"],
		] as const) {
			t.is(node.run("waitstart", "-m", name).code, 1, "waitstart does not succeed");
			await node.until(() => node.state(name) === "STOP NotReady");
			const log = node.log(name);
			t.regex(log, new RegExp(`\\| U \\| Action stop called by ${script}\\n`));
			t.regex(log, / \| E \| failed to start \(x\) <y>, z\n/);
		}
		t.deepEqual(node.said(), ["stop_prim ALONE WAIT stop", "stop_prim force WAIT STOP stop"]);
		t.is(node.run("waitstart", "-m", "returns").code, 0);
		t.is(node.state("returns"), "ALONE Ready");
		node.ok("stop", "-m", "returns");
		node.ok("waitstop", "-m", "returns", "--timeout", "60");
	},
);

test.serial(
	"print commands print nothing, set needs neither -m nor -i, and user logs have the documented names",
	async (t) => {
		const node = await server(t);
		const lines = ["printe", "printi", "printw"].map((command) => `"$SAFE/safekit" ${command} "text of ${command}"`);
		const start = [
			// As a function that returns a value by printing it, and calls printe on its way.
			`answer() {\n${lines.join("\n")}\necho false\n}`,
			'echo "answer=$(answer)" >> "$SAFEVAR/said"',
			'"$SAFE/safekit" set -r custom.one -v down',
			'"$SAFE/safekit" set -r custom.one -v down',
			`"$SAFE/safekit" set -r custom.two -v down -i ${identity} -m "$SAFEMODULE"`,
			"echo to-the-user-log",
			// Long, and not cut off.
			"sleep 4",
			'echo done >> "$SAFEVAR/said"',
		].join("\n");
		const stop = 'exec 9> "$SAFEVAR/mutex"; flock 9; until false; do sleep 1; done';
		module(node, "m", { start_prim: start, stop_prim: stop });
		node.ok("config", "-m", "m");
		node.ok("start", "-m", "m");
		t.is(node.run("waitstart", "-m", "m").code, 0);
		t.deepEqual(node.said(), ["answer=false", "done"], "waitstart came after the script's end");
		const log = node.log("m");
		for (const [command, level] of [
			["printe", "E"],
			["printi", "I"],
			["printw", "W"],
		]) {
			t.regex(log, new RegExp(`\\| ${level} \\| text of ${command}\\n`));
		}
		t.is(log.match(/Resource custom\.one set to down/g)?.length, 1, "an equal value leaves no line");
		t.regex(log, /Resource custom\.two set to down by start_prim\n/);
		const [, name = ""] =
			/\| userplug \| S \| Script start_prim > (userlog_\d{4}-\d\d-\d\dT\d{6}_start_prim\.ulog)\n/.exec(log) ?? [];
		const folder = join(node.safevar, "modules/m");
		t.regex(
			readFileSync(join(folder, name), "utf8"),
			/^----------- \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d start_prim\n[\s\S]*to-the-user-log\n/,
		);

		const before = Date.now();
		node.ok("stop", "-m", "m");
		node.ok("waitstop", "-m", "m", "--timeout", "60");
		t.true(Date.now() - before >= 6000, "both passes had their time");
		t.is(node.log("m").match(/Script stop_prim did not end in time and was killed/g)?.length, 2);
		t.regex(node.log("m"), /\| S \| Script stop_prim "force" > userlog_/);
		t.true(readdirSync(folder).some((each) => /^userlog_.*_stop_prim\.ulog$/.test(each)));
		// No orphan holds what the script held.
		module(node, "next", { start_prim: 'exec 9> "$SAFEVAR/mutex"; flock -n 9 && echo free >> "$SAFEVAR/said"' });
		node.ok("config", "-m", "next");
		node.ok("start", "-m", "next");
		node.ok("waitstart", "-m", "next");
		t.is(node.said().at(-1), "free");
	},
);
