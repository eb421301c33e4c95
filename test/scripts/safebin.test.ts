/** The programs of SAFEBIN as scripts call them: by path, with nothing in the environment. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { installSafebin } from "../../core/scripts/safebin.ts";
import { isAlive, makePlace, type Place, pidIn } from "./place.ts";

interface Installed extends Place {
	call(
		program: string,
		args: string[],
		options?: { env?: Record<string, string>; input?: string },
	): { code: number | null; out: string; err: string };
	/** Arguments of each call of `$SAFE/safekit`. */
	calls(): string[];
}

async function install(t: ExecutionContext): Promise<Installed> {
	const place = makePlace();
	t.teardown(place.remove);
	await installSafebin(place.paths.safebin, process.execPath);
	writeFileSync(
		join(place.paths.safe, "safekit"),
		`#!/bin/sh\nfor a in "$@"; do printf '[%s]' "$a"; done >> ${place.file("calls")}\necho out\n`,
		{ mode: 0o755 },
	);
	return {
		...place,
		call(program, args, options = {}) {
			const result = spawnSync(join(place.paths.safebin, program), args, {
				env: { PATH: "/usr/bin:/bin", ...options.env },
				input: options.input,
				encoding: "utf8",
			});
			return { code: result.status, out: result.stdout, err: result.stderr };
		},
		calls: () => (existsSync(place.file("calls")) ? readFileSync(place.file("calls"), "utf8").split("\n") : []),
	};
}

test("all programs are there, executable, and nothing else; a second time replaces them", async (t) => {
	const place = await install(t);
	const names =
		"boundcmd errdpoll_running gencron logI18nMSG processtree saferpc_send vip_if_ctrl webservercfg xpathGet".split(
			" ",
		);
	writeFileSync(join(place.paths.safebin, "boundcmd"), "damaged");
	t.deepEqual(await installSafebin(place.paths.safebin, process.execPath), names);
	t.deepEqual(readdirSync(place.paths.safebin).sort(), names);
	for (const name of names) t.is(statSync(join(place.paths.safebin, name)).mode & 0o777, 0o755);
	t.true(readFileSync(join(place.paths.safebin, "boundcmd"), "utf8").startsWith("#!/bin/sh\n"));
});

test("xpathGet prints the text of the attribute and nothing else", async (t) => {
	const place = await install(t);
	const file = join(place.module.userConf, "safeconf.xml");
	writeFileSync(file, `<safe><service><user><var name="SERVICES" value="a &amp; b, c"/></user></service></safe>`);
	t.deepEqual(place.call("xpathGet", ["//user/var[@name='SERVICES']/@value", file]), {
		code: 0,
		out: "a & b, c\n",
		err: "",
	});
	t.deepEqual(place.call("xpathGet", ["//user/var[@name='OTHER']/@value", file]), { code: 1, out: "", err: "" });
	const missing = place.call("xpathGet", ["//a/@b", `${file}.none`]);
	t.like(missing, { code: 1, out: "" });
	t.regex(missing.err, /^xpathGet: ENOENT/);
	writeFileSync(file, "<safe><service></safe>");
	t.regex(place.call("xpathGet", ["//a/@b", file]).err, /^xpathGet: .*safeconf\.xml: /);
	t.is(place.call("xpathGet", ["count(//a)", file]).code, 2);
	t.is(place.call("xpathGet", []).code, 2);
});

test("xpathGet works from a folder with blanks and quotes in its name", async (t) => {
	const place = await install(t);
	const folder = place.file("a 'b' c");
	await installSafebin(folder, process.execPath);
	const file = join(folder, "conf.xml");
	writeFileSync(file, `<a b="c"/>`);
	t.is(spawnSync(join(folder, "xpathGet"), ["/a/@b", file], { encoding: "utf8" }).stdout, "c\n");
});

test("logI18nMSG writes one line of the right level and prints nothing", async (t) => {
	const place = await install(t);
	const args = ["stop_prim", "WARNING", "RFS_STOP_PROC", "/var/lib/x y", "TERM", "mysqld", "bash"];
	t.deepEqual(place.call("logI18nMSG", args), { code: 0, out: "", err: "" });
	place.call("logI18nMSG", ["prestart", "ERROR", "OTHER", "1", "2"], { env: { SAFE: place.paths.safe } });
	place.call("logI18nMSG", ["prestart", "INFO", "NOTHING"]);
	t.deepEqual(
		place.calls().join("\n"),
		[
			"[printw][stop_prim: processes that use /var/lib/x y get signal TERM: mysqld bash]",
			"[printe][prestart: OTHER 1 2]",
			"[printi][prestart: NOTHING ]",
		].join(""),
	);
	t.like(place.call("logI18nMSG", ["x"]), { code: 1, out: "" });
});

test("boundcmd passes on code, output, input and arguments of a command that ends in time", async (t) => {
	const place = await install(t);
	const args = ["20", "sh", "-c", 'cat; echo "$1"; echo e >&2; exit 124', "x", "a  b"];
	t.deepEqual(place.call("boundcmd", args, { input: "in\n" }), { code: 124, out: "in\na  b\n", err: "e\n" });
	t.is(place.call("boundcmd", ["20", "true"]).code, 0);
	t.is(place.call("boundcmd", ["20", "no-such-command"]).code, 127);
	t.is(place.call("boundcmd", ["soon", "true"]).code, 1);
	t.is(place.call("boundcmd", ["5"]).code, 1);
});

test("boundcmd answers 2 when the time is over, and the command is gone", async (t) => {
	const place = await install(t);
	const pid = place.file("pid");
	const before = Date.now();
	t.is(place.call("boundcmd", ["1", "sh", "-c", `trap '' TERM; echo $$ > ${pid}; while :; do sleep 1; done`]).code, 2);
	t.true(Date.now() - before < 30_000);
	t.false(isAlive(await pidIn(pid)));
	t.is(place.call("boundcmd", ["1", "sleep", "60"]).code, 2);
});

test("processtree finds processes by name and command line, with what they started, and never its caller", async (t) => {
	const place = await install(t);
	const mark = `mark-${process.pid}`;
	const child = spawn("sh", ["-c", `sleep 1000 & echo $! > ${place.file("pid")}; wait`, mark], { stdio: "ignore" });
	t.teardown(() => child.kill("SIGKILL"));
	const sleeper = await pidIn(place.file("pid"));
	const found = place.call("processtree", ["list", "sh", `${mark}$`]);
	t.is(found.code, 0);
	t.deepEqual(
		found.out.match(/^\d+ \w+/gm),
		[`${child.pid} sh`, `${sleeper} sleep`],
		"what it started is there, the caller with the same words is not",
	);
	t.regex(found.out, new RegExp(`^${sleeper} sleep sleep 1000 \\(parent=${child.pid}\\)$`, "m"));
	t.is(place.call("processtree", ["list", "no-such-name"]).code, 1);
	t.is(place.call("processtree", ["kill", "all"]).code, 2, "not everything on this server");
	t.is(place.call("processtree", ["remove", "sh"]).code, 2);
	t.is(place.call("processtree", ["kill", "sh", `${mark}$`]).code, 0);
	t.false(isAlive(sleeper));
});

test("errdpoll_running writes down what a <proc> could name", async (t) => {
	const place = await install(t);
	const child = spawn("sh", ["-c", "sleep 1000; true", `a  b-${process.pid}`], { stdio: "ignore" });
	t.teardown(() => child.kill("SIGKILL"));
	const { safevar } = place.paths;
	mkdirSync(safevar, { recursive: true });
	t.is(place.call("errdpoll_running", [], { env: { SAFEVAR: safevar } }).code, 0);
	const text = readFileSync(join(safevar, "errdpoll_reserrd"), "utf8");
	const line = new RegExp(
		`^${child.pid} sh sh -c sleep 1000; true a  b-${process.pid} \\(parent=${process.pid}\\)$`,
		"m",
	);
	t.regex(text, line);
	t.false(existsSync(join(safevar, "errdpoll_reserrd.new")));
});

/** A crontab command that keeps its table in a file, so that no real user's table is touched. */
function fakeCrontab(place: Installed): { env: Record<string, string>; table: string } {
	const folder = place.file("cron");
	mkdirSync(folder);
	const table = join(folder, "table");
	writeFileSync(
		join(folder, "crontab"),
		`#!/bin/sh\n[ "$3" = -l ] && exec cat ${table}\necho x >> ${folder}/writes\ncat > ${table}.new && mv ${table}.new ${table}\n`,
		{ mode: 0o755 },
	);
	return { env: { PATH: `${folder}:/usr/bin:/bin` }, table };
}

test("gencron turns entries off and on again, byte for byte, and only once", async (t) => {
	const place = await install(t);
	const { env, table } = fakeCrontab(place);
	const text =
		'# my jobs\nMAILTO=root\n\n*/5 * * * * /usr/bin/a "x\\ty" $HOME\n@daily /usr/bin/b\n0 1 * * * /usr/bin/c\n';
	writeFileSync(table, text);
	const run = (...args: string[]): number | null => place.call("gencron", args, { env }).code;
	t.is(run("del", "root", "/usr/bin/b", "-c", "SafeKit app"), 0);
	t.is(readFileSync(table, "utf8"), text.replace("@daily", "#SafeKit app @daily"));
	t.is(run("del", "root", "/usr/bin/b", "-c", "SafeKit app"), 0);
	t.is(run("del", "root", "all", "-c", "mine"), 0);
	t.is(
		readFileSync(table, "utf8"),
		text.replace("@daily", "#SafeKit app @daily").replace("*/5", "#mine */5").replace("0 1 *", "#mine 0 1 *"),
	);
	t.is(run("add", "root", "all", "-c", "mine"), 0);
	t.is(run("add", "root", "/usr/bin/b", "-c", "SafeKit app"), 0);
	t.is(run("add", "root", "all", "-c", "mine"), 0);
	t.is(readFileSync(table, "utf8"), text);
	t.is(readFileSync(place.file("cron/writes"), "utf8"), "x\n".repeat(4), "what changes nothing is not written");
});

test("gencron leaves a user without a table alone and refuses what it does not know", async (t) => {
	const place = await install(t);
	const { env, table } = fakeCrontab(place);
	t.is(place.call("gencron", ["del", "root", "all"], { env }).code, 0);
	t.false(existsSync(table));
	t.like(place.call("gencron", ["del", "no-such-user", "all"], { env }), {
		code: 1,
		err: "gencron: there is no user no-such-user\n",
	});
	t.is(place.call("gencron", ["remove", "root", "all"], { env }).code, 1);
	t.is(place.call("gencron", ["del", "root"], { env }).code, 1);
	rmSync(place.file("cron"), { recursive: true });
	const without = place.call("gencron", ["del", "root", "all"], { env });
	if (!existsSync("/usr/bin/crontab")) t.regex(without.err, /install cron/);
});

test("saferpc_send and vip_if_ctrl are the words of a farm's scripts for commands of safekit", async (t) => {
	const place = await install(t);
	t.is(place.call("saferpc_send", "vipd SETGROUPS all all all".split(" ")).code, 0);
	t.is(place.call("saferpc_send", "vipd SETGROUPS none none none".split(" ")).code, 0);
	t.is(place.call("vip_if_ctrl", ["-l", "-m", "web"]).code, 0);
	t.deepEqual(place.calls(), ["[farm][traffic][open][farm][traffic][closed][farm][buckets][-m][web]"]);
	t.is(place.call("saferpc_send", "vipd SETGROUPS all none all".split(" ")).code, 2);
	t.is(place.call("vip_if_ctrl", []).code, 2);
});
