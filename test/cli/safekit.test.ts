import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { allGroups } from "../../core/cli/all.ts";
import type { Call } from "../../core/cli/call.ts";
import { runProgram } from "../../core/cli/program.ts";
import { launcherText, unitText } from "../../core/cli/unit.ts";
import { coreVersion } from "../../core/engine/version.ts";
import { pathsFrom } from "../../core/module/paths.ts";
import { makeTestFolder } from "../folder.ts";

const root = join(import.meta.dirname, "../..");
const nowhere = { ...process.env, SAFE: "/nonexistent/safe", SAFEVAR: "/nonexistent/var", SAFEMODULE: undefined };

function safekit(...args: string[]) {
	const done = spawnSync(process.execPath, [join(root, "core/cli/safekit.mjs"), ...args], {
		env: nowhere,
		encoding: "utf8",
	});
	return { code: done.status, out: done.stdout, err: done.stderr };
}

async function inProcess(...argv: string[]) {
	let [out, err] = ["", ""];
	const call: Call = {
		argv,
		module: undefined,
		who: "root",
		cwd: "/",
		pid: process.pid,
		tty: false,
		out: (text) => {
			out += text;
		},
		err: (text) => {
			err += text;
		},
		signal: new AbortController().signal,
	};
	const code = await runProgram(call, null, allGroups);
	return { code, out, err };
}

test("without a daemon: help, version, paths, schema", (t) => {
	t.is(safekit("--version").out, `${coreVersion}\n`);
	t.is(coreVersion, JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
	t.regex(safekit("--help").out, /Examples:\n {2}safekit state\n/);
	t.is(safekit("--help").code, 0);
	t.is(safekit().code, 0);
	t.regex(
		safekit("-p").out,
		/^SAFE="\/nonexistent\/safe"\nSAFEVAR="\/nonexistent\/var"\nSAFEBIN="\/nonexistent\/safe\/private\/bin"\n$/,
	);
	t.regex(safekit("schema", "mirror").out, /<heartbeat> One network on which pulses travel\./);
	t.is(JSON.parse(safekit("schema", "mirror", "--json").out).mode, "mirror");
	t.regex(safekit("schema", "--xsd").out, /<xs:element name="heartbeat"/);
	t.regex(safekit("schema", "farm", "--reference").out, /\n\| `mlost_count` \| 0 to 2147483647 \| `20` \|/);
	t.is(safekit("schema", "cluster").code, 2);
	t.is(safekit("schema", "--xsd", "--json").code, 2);
});

test("each command has help with examples", async (t) => {
	const commands =
		"start stop restart stopstart forcestop shutdown waitstart waitstop waitstate swap prim second secondforce primforce update failover checker errd get set rules incloop resetloop checkloop state boot log logview logsave printi printe printw cmdlog level rfsdiff rfsverify rfssync config deconfig confcheck confinfo webservercfg";
	const grouped = "install uninstall package list listid getports genkey delkey check create try"
		.split(" ")
		.map((word) => ["module", word]);
	const cluster = "config confcheck confinfo deconfig state genkey delkey create package"
		.split(" ")
		.map((word) => ["cluster", word]);
	for (const words of [...commands.split(" ").map((word) => [word]), ...grouped, ...cluster]) {
		const help = await inProcess(...words, "--help");
		t.is(help.code, 0, words.join(" "));
		t.regex(
			help.out,
			new RegExp(`Usage: safekit ${words.join(" ")}[^]*Examples:\n  safekit ${words.join(" ")}`),
			words.join(" "),
		);
	}
});

test("what is not understood exits 2 and says what is expected", async (t) => {
	for (const argv of [
		["sart"],
		["start", "--colour"],
		["waitstate"],
		["module"],
		["module", "instal"],
		["cluster"],
		["-H", "*"],
		["-H"],
		["-H", "*", "logview", "-m", "x"],
		["-H", "*", "-p"],
		["-H", "*", "-r", "xpathGet"],
		["-H", "*", "-H", "*", "state"],
		["-H", "*", "state", "--watch"],
		["-H", "*", "-G", "state"],
		["-H", "*", "-E", "m", "-G"],
		["-G"],
		["-E", "m"],
	]) {
		const answer = await inProcess(...argv);
		t.is(answer.code, 2, argv.join(" "));
		t.regex(answer.err, /^Error: .*\n.+\n/);
	}
	t.regex((await inProcess("-H", "*", "waitstart", "--help")).out, /^Usage: safekit waitstart /);
	t.regex((await inProcess("-H", "*", "-G", "--help")).out, /\n {2}safekit -H SERVERS -G /);
	const json = await inProcess("sart", "--json");
	t.is(JSON.parse(json.out).error.code, "USAGE");
	t.regex(json.out, /did you mean start|Did you mean start/i);
});

test("a wrong word after a group is named, with those that exist", async (t) => {
	const answer = await inProcess("module", "instal", "-m", "x");
	t.is(answer.code, 2);
	const cluster = await inProcess("cluster", "join");
	t.regex(cluster.err, /^Error: 'join' means nothing after cluster; expected config, .*package\.\n/);
	t.regex((await inProcess("module")).err, /^Error: `module` needs a word; expected install, /);
});

test("commands of the existing product that this version lacks say what to use instead", async (t) => {
	for (const argv of [
		["snapshot", "-m", "am", "/tmp/x.zip"],
		["dump", "-m", "am"],
		["uninstall", "-all"],
	]) {
		const answer = await inProcess(...argv);
		t.is(answer.code, 2, argv.join(" "));
		t.regex(answer.err, /^Error: This version has no command '\w+'\.\n.+\n$/);
	}
	t.notRegex((await inProcess("--help")).out, /snapshot/);
});

test("secondforce takes the documented dates", async (t) => {
	for (const date of ["yesterday", "2026-13-45", "01/02/2026"]) {
		const answer = await inProcess("secondforce", "-m", "am", "-d", date);
		t.is(answer.code, 2);
		t.regex(answer.err, /is no date/);
	}
	for (const date of ["2026-01-31", "2026-01-31Z", "2026-01-31 10:00:00", "2026-01-31T10:00:00Z"]) {
		t.regex((await inProcess("secondforce", "-m", "am", "-d", date)).err, /needs the daemon/, date);
	}
});

test("module check needs neither daemon nor SAFE, and exits 3 with the place of each problem", (t) => {
	const folder = makeTestFolder("cli");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	writeFileSync(join(folder, "broken.safe"), "this is no zip");
	const broken = safekit("module", "check", join(folder, "broken.safe"), "--json");
	t.is(broken.code, 3);
	const report = JSON.parse(broken.out);
	t.false(report.ok);
	t.is(report.problems[0].severity, "error");
	t.is(safekit("module", "check", join(folder, "absent.safe")).code, 2);
});

test("the command and the service of a server name absolute paths and survive odd ones", (t) => {
	const paths = pathsFrom({ SAFE: "/opt/a b's", SAFEVAR: "/var/100%" });
	const text = launcherText(paths, "/node dir/node");
	t.is(text.split("\n").length, 3);
	const shell = spawnSync("sh", ["-c", `${text.split("\n")[1]?.replace("exec '/node dir/node'", "env; echo")}`], {
		encoding: "utf8",
	});
	t.regex(shell.stdout, /^SAFE=\/opt\/a b's$/m);
	const unit = unitText(paths, "/node dir/node");
	t.regex(unit, /^ExecStart="\/node dir\/node" ".*\/core\/node\/main\.ts"$/m);
	t.regex(unit, /"SAFEVAR=\/var\/100%%"/);
	for (const line of ["Type=notify", "Restart=always", "RestartSec=0", "KillMode=process", "StartLimitIntervalSec=0"]) {
		t.true(unit.split("\n").includes(line), line);
	}
});
