import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { allGroups } from "../../../core/cli/all.ts";
import type { Call } from "../../../core/cli/call.ts";
import { runProgram } from "../../../core/cli/program.ts";
import { localSchema } from "../../../core/cli/schema.ts";
import { checkPackage } from "../../../core/module/check.ts";
import { makeTestFolder } from "../../folder.ts";

const root = join(import.meta.dirname, "../../..");

function folder(t: ExecutionContext): string {
	const made = makeTestFolder("create");
	t.teardown(() => rmSync(made, { recursive: true, force: true }));
	return made;
}

async function create(cwd: string, words: string, answers?: string[]) {
	let [out, err] = ["", ""];
	const asked: string[] = [];
	const call: Call = {
		argv: ["module", "create", ...words.split(" ")],
		...{ module: undefined, who: "root", cwd, pid: process.pid, tty: true },
		out: (text) => {
			out += text;
		},
		err: (text) => {
			err += text;
		},
		signal: new AbortController().signal,
		...(answers === undefined
			? {}
			: {
					ask: async (question: string) => {
						asked.push(question);
						return answers.shift() ?? "";
					},
				}),
	};
	const code = await runProgram(call, null, allGroups);
	return { code, out, err, asked };
}

const variants: [words: string, warnings: string[]][] = [
	["m1", []],
	["m2 --mode light --os linux --service nginx --health http://127.0.0.1:8080/health", []],
	["m3 --mode mirror --os windows --service W3SVC --vip 10.0.0.9", []],
	["m4 --mode mirror --os linux,windows --dir /data/x --vip fd00::9 --service a,b --plugin mirror", []],
	["m5 --mode farm --vip 10.0.0.9 --health http://127.0.0.1:8080/", []],
	["m7 --mode farm --os linux --service nginx", []],
	["m6 --mode light --os windows --health https://app.example.com/?a=1&b=2", []],
];
for (const [words, warnings] of variants) {
	test(`a new module has nothing to mend: ${words}`, async (t) => {
		const here = folder(t);
		t.like(await create(here, words), { code: 0, err: "" });
		const [name = ""] = words.split(" ");
		const { ok, problems, asks } = await checkPackage(join(here, name), await localSchema(), {});
		t.true(ok);
		t.deepEqual([...new Set(problems.map(({ code }) => code))], warnings as never[]);
		t.is(
			asks.some((line) => line.startsWith("may connect to")),
			words.includes("--health"),
		);
		t.deepEqual(readdirSync(here), [name]);
	});
}

test("scripts for the systems that were asked for, as these need them", async (t) => {
	const here = folder(t);
	await create(here, "both --mode mirror");
	await create(here, "one --mode light --os windows");
	const scripts = ["module_scripts_utils", "postconfig", "prestart", "start_prim", "stop_prim"];
	const of = (name: string): string[] => readdirSync(join(here, name, "bin")).sort();
	t.deepEqual(of("both"), ["checks", ...scripts.flatMap((name) => [name, `${name}.ps1`])]);
	t.deepEqual(of("one").slice(-2), ["start_both.ps1", "stop_both.ps1"]);
	for (const name of scripts) {
		t.is(statSync(join(here, "both/bin", name)).mode & 0o111, 0o111);
		t.false(readFileSync(join(here, "both/bin", name), "utf8").includes("\r"));
		t.notRegex(readFileSync(join(here, "both/bin", `${name}.ps1`), "utf8"), /[^\r]\n/);
	}
	t.like(JSON.parse(readFileSync(join(here, "both/module.json"), "utf8")), { name: "both", version: "0.1.0" });
});

test("a farm from an empty folder passes its own tests, and is packed", async (t) => {
	t.timeout(180_000);
	const here = folder(t);
	await create(here, "web --mode farm --service nginx --vip 10.0.0.9 --health http://127.0.0.1:8080/");
	const launcher = join(root, "core/cli/safekit.mjs");
	const safekit = (...words: string[]) =>
		promisify(execFile)(process.execPath, [launcher, "module", ...words], { cwd: here });
	const tested = await safekit("test", "web", "--json");
	t.is(JSON.parse(tested.stdout).passed, 3);
	await safekit("pack", "web");
	t.true(existsSync(join(here, "web.safe")));
	t.regex(readFileSync(join(here, "web/conf/userconfig.xml"), "utf8"), /<rule port="8080" proto="tcp" /);
});

test("what is wrong is refused, and nothing is left", async (t) => {
	const here = folder(t);
	mkdirSync(join(here, "there"));
	for (const [words, code] of [
		["there", 4],
		["bad.name", 2],
		["no/where", 1],
		["m --mode double", 2],
		["m --os beos", 2],
		["m --vip 10.0.0", 2],
		["m --health ftp://x/", 2],
		["m --dir data", 2],
		["m --plugin mirrro", 2],
		["m --mode light --vip 10.0.0.9", 2],
		["m --mode farm --dir /data", 2],
		['m --service a"b', 2],
	] as const) {
		const { code: got, err } = await create(here, words);
		t.is(got, code, `${words}: ${err}`);
	}
	t.deepEqual(readdirSync(here), ["there"]);
	t.deepEqual(readdirSync(join(here, "there")), []);
});

test("a person is asked for what no option says, and again where the answer cannot be read", async (t) => {
	const here = folder(t);
	const { code, asked, out } = await create(here, "web --mode light", [
		"linux",
		"nginx",
		"nothing",
		"http://127.0.0.1/",
	]);
	t.is(code, 0);
	t.deepEqual(asked, [
		"Systems (linux, windows) [linux,windows]: ",
		"Services of the application, separated by commas: ",
		"Page that answers 200 while it works, or nothing: ",
		"Page that answers 200 while it works, or nothing: ",
	]);
	t.regex(out, /safekit module test web .*\n.*safekit module try web .*\n.*safekit module pack web /);
	t.false(existsSync(join(here, "web/bin/start_both.ps1")));
	t.regex(readFileSync(join(here, "web/module.json"), "utf8"), /"127\.0\.0\.1:80"/);
});

test("without a terminal nothing is asked, and npm's folder is the caller's", (t) => {
	const here = folder(t);
	const done = spawnSync("npm", ["--prefix", root, "run", "-s", "safekit", "--", "module", "create", "x", "--json"], {
		cwd: here,
		encoding: "utf8",
		timeout: 60_000,
	});
	t.is(done.status, 0, done.stderr);
	const made = JSON.parse(done.stdout);
	t.is(made.folder, join(here, "x"));
	t.true(made.files.includes("bin/checks/application.ts"));
	t.deepEqual(
		made.next.map((line: string) => line.split(" ").slice(-2).join(" ")),
		["test x", "try x", "pack x"],
	);
});
