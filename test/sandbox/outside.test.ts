/** What is really outside, asked by hostile checkers: real servers, real programs, real files. */
import { execFileSync } from "node:child_process";
import {
	chmodSync,
	linkSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { ProcessTable } from "../../core/checkers/watched/table.ts";
import { processes } from "../../core/platform/linux/processes.ts";
import type { Permissions } from "../../core/sandbox/permissions.ts";
import { realOutside } from "../../core/sandbox/real/outside.ts";
import { judgeOf, makeSandbox } from "./sandbox.fixture.ts";

const it = makeSandbox();
const folder = mkdtempSync(join(tmpdir(), "opensafe-outside-"));
const bin = join(folder, "bin");
const table = new ProcessTable(processes);
const asked: string[] = [];

const web = createServer((request, response) => {
	asked.push(`${request.method} ${request.url} ${request.headers.host}`);
	if (request.url === "/redirect") response.writeHead(302, { location: "http://127.0.0.1:1/secret" }).end();
	else if (request.url === "/big") response.end("x".repeat(2 * 1024 * 1024));
	else if (request.url === "/never") response.writeHead(200).write("a");
	else if (request.url === "/drip") {
		const timer = setInterval(() => response.write("x"), 20);
		response.once("close", () => clearInterval(timer));
	} else if (request.method === "POST") {
		request.setEncoding("utf8").once("data", (text) => response.end(`got ${text}`));
	} else response.end("hello");
});
/** Says what it gets, line by line. */
const echo = createTcp((socket) => {
	socket.on("error", () => undefined);
	socket.write("220 ready\r\n");
	socket.on("data", (data) => socket.write(data));
});
let [httpPort, tcpPort] = [0, 0];

test.before(async () => {
	await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
	await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
	httpPort = (web.address() as AddressInfo).port;
	tcpPort = (echo.address() as AddressInfo).port;
	mkdirSync(bin);
	mkdirSync(join(folder, "open"));
	writeFileSync(join(folder, "open/plain"), "plain text");
	writeFileSync(join(folder, "secret"), "the secret");
	symlinkSync(join(folder, "secret"), join(folder, "open/link"));
	symlinkSync(folder, join(folder, "open/up"));
	symlinkSync("plain", join(folder, "open/inside"));
	linkSync(join(folder, "open/plain"), join(folder, "open/hard"));
	execFileSync("mkfifo", [join(folder, "open/pipe")]);
	writeFileSync(join(folder, "open/big"), "x".repeat(2 * 1024 * 1024));
	writeFileSync(join(bin, "probe"), '#!/bin/sh\necho "$# $*"\n');
	chmodSync(join(bin, "probe"), 0o755);
});
test.after.always(async () => {
	web.closeAllConnections();
	web.close();
	echo.close();
	await it.close();
	rmSync(folder, { recursive: true, force: true });
});

async function run(body: string, permissions: Partial<Permissions>, times = '{ timeout: "30s" }') {
	const judge = judgeOf(permissions);
	const outside = realOutside({ judge, bin, table, resource: () => null, now: () => Date.now() });
	return await it.once(
		body.replaceAll("HTTP", String(httpPort)).replaceAll("TCP", String(tcpPort)).replaceAll("FOLDER", folder),
		{
			times,
			outside,
			permissions,
		},
	);
}

const here = (): Partial<Permissions> => ({ net: [`127.0.0.1:${httpPort}`, `127.0.0.1:${tcpPort}`] });

test("http asks, posts and is told what came", async (t) => {
	const { reason } = await run(
		'const a = await ctx.http.get("http://127.0.0.1:HTTP/x?y=1"); const b = await ctx.http.post("http://127.0.0.1:HTTP/p", "body"); return up([a.status, a.body, b.body].join(" "));',
		here(),
	);
	t.is(reason, "200 hello got body");
	t.true(asked.includes(`GET /x?y=1 127.0.0.1:${httpPort}`));
});

test("a redirect is an answer, and nobody follows it", async (t) => {
	const { reason } = await run(
		'const a = await ctx.http.get("http://127.0.0.1:HTTP/redirect"); return up(a.status + " " + a.headers.location);',
		here(),
	);
	t.is(reason, "302 http://127.0.0.1:1/secret");
});

for (const [what, url] of [
	["another port", "http://127.0.0.1:1/"],
	["a number", "http://2130706433:HTTP/"],
	["hexadecimal", "http://0x7f000001:HTTP/"],
	["a short form", "http://127.1:HTTP/"],
	["zero", "http://0:HTTP/"],
	["IPv6", "http://[::1]:HTTP/"],
	["IPv4 in IPv6", "http://[::ffff:7f00:1]:HTTP/"],
	["a name", "http://localhost:HTTP/"],
	["a name with a dot", "http://localhost.:HTTP/"],
	["a user that looks like the host", "http://db.example.com@127.0.0.1:HTTP/"],
	["another protocol", "file:///etc/passwd"],
	["the secrets of a cloud", "http://169.254.169.254/latest/meta-data/"],
] as const) {
	test(`a permission for one host is none for ${what}`, async (t) => {
		const { state, reason } = await run(`const a = await ctx.http.get("${url}"); return up(a.body);`, {
			net: [`db.example.com:${httpPort}`],
		});
		t.is(state, "down");
		t.regex(reason, /no permission to connect|no http or https address|a user in the address/);
	});
}

test("a permitted name that stands for this server is refused, and what may be reached is reached by its name", async (t) => {
	// Resolvers take this for an address, so no name server is needed.
	const disguised = await run('const line = await ctx.tcp.connect("0x7f000001", TCP); return up("in");', {
		net: ["0x7f000001"],
	});
	t.is(disguised.state, "down");
	t.regex(disguised.reason, /0x7f000001 stands for 127\.0\.0\.1/);
	const named = await run('const a = await ctx.http.get("http://localhost:HTTP/"); return up(a.body);', {
		net: [`localhost:${httpPort}`],
	});
	t.is(named.reason, "hello");
	const both = await run('const line = await ctx.tcp.connect("0x7f000001", TCP); return up("in");', {
		net: ["0x7f000001", "127.0.0.1"],
	});
	t.is(both.reason, "in", "asked for both, it is the module's right");
});

test("answers without end, of any size and with other headers are cut off", async (t) => {
	t.regex((await run('await ctx.http.get("http://127.0.0.1:HTTP/big"); return up();', here())).reason, /over 1 MiB/);
	for (const path of ["never", "drip"]) {
		const { state, reason } = await run(
			`await ctx.http.get("http://127.0.0.1:HTTP/${path}", { timeoutMs: 500 }); return up();`,
			here(),
		);
		t.is(state, "down");
		t.regex(reason, /no answer within/);
	}
	for (const header of ["Host", "Transfer-Encoding", "Connection"]) {
		const { reason } = await run(
			`await ctx.http.get("http://127.0.0.1:HTTP/", { headers: { "${header}": "x" } }); return up();`,
			here(),
		);
		t.regex(reason, /cannot be set/);
	}
	const split = await run(
		'await ctx.http.get("http://127.0.0.1:HTTP/", { headers: { a: "b\\r\\nHost: c" } }); return up();',
		here(),
	);
	t.regex(split.reason, /http: /);
});

test("tcp sends and receives within its limits", async (t) => {
	const body = `const line = await ctx.tcp.connect("127.0.0.1", TCP);
		const hello = await line.receive({ until: "\\n" });
		await line.send("one two");
		const one = await line.receive({ bytes: 3 });
		const rest = await line.receive();
		await line.close();
		return up([hello.trim(), one, rest].join("|"));`;
	t.is((await run(body, here())).reason, "220 ready|one| two");
	const waits =
		'const line = await ctx.tcp.connect("127.0.0.1", TCP); await line.receive({ until: "never", timeoutMs: 300 }); return up();';
	t.regex((await run(waits, here())).reason, /no answer within/);
	const many = 'for (let i = 0; i < 20; i++) await ctx.tcp.connect("127.0.0.1", TCP); return up();';
	t.regex((await run(many, here())).reason, /more than 8 connections/);
	t.regex(
		(await run('await ctx.tcp.connect("127.0.0.1", 22); return up();', here())).reason,
		/no permission to connect to 127\.0\.0\.1:22/,
	);
});

test("files are read where they really are, and only ordinary ones", async (t) => {
	const permissions = { read: [join(folder, "open/")] };
	const read = async (path: string): Promise<string> =>
		(await run(`return up(await ctx.readFile(${JSON.stringify(path)}));`, permissions)).reason;
	t.is(await read("FOLDER/open/plain"), "plain text");
	t.is(await read("FOLDER/open/inside"), "plain text", "a link to what is permitted");
	t.regex(await read("FOLDER/open/link"), /is really .*secret, which permissions\.read does not name/);
	t.regex(await read("FOLDER/open/up/secret"), /is really .*secret/);
	t.regex(await read("FOLDER/open/../secret"), /is really .*secret|no permission/);
	t.regex(await read("FOLDER/secret"), /no permission/);
	t.regex(await read("FOLDER/open/pipe"), /no ordinary file/);
	t.regex(await read("FOLDER/open/"), /no ordinary file|is really/);
	t.regex(await read("FOLDER/open/big"), /over 1 MiB/);
	t.regex(await read("FOLDER/open/none"), /ENOENT/);
	t.regex(
		(await run('return up(await ctx.readFile("/proc/self/environ"));', { read: ["/proc/self/"] })).reason,
		/is really \/proc\/\d+\/environ/,
	);
	t.regex(
		(await run('return up(await ctx.readFile("/proc/self/root/etc/hostname"));', { read: ["/proc/self/root/"] }))
			.reason,
		/is really \/etc\/hostname/,
	);
	t.regex((await run('return up(await ctx.readFile("/dev/zero"));', { read: ["/dev/"] })).reason, /no ordinary file/);
});

test("programs get their arguments as they are, a bare environment, and nothing of them stays", async (t) => {
	const exec = async (body: string, ...allowed: string[]) => await run(body, { exec: allowed });
	const args =
		'const { code, stdout } = await ctx.exec("probe", ["$(id)", "; touch /tmp/x", "-n", "*"]); return up(code + stdout.trim());';
	t.is((await exec(args, "probe")).reason, "04 $(id) ; touch /tmp/x -n *");
	const env =
		'return up((await ctx.exec("/usr/bin/env")).stdout.trim().split("\\n").map((line) => line.split("=")[0]).sort().join(" "));';
	t.is((await exec(env, "/usr/bin/env")).reason, "HOME LANG PATH");
	for (const program of ["probe2", "/usr/bin/../bin/env", "/bin/env", "./probe", "../bin/probe", "sh"]) {
		t.regex(
			(await exec(`await ctx.exec(${JSON.stringify(program)}); return up();`, "probe", "/usr/bin/env")).reason,
			/no permission to run/,
		);
	}
	t.regex((await exec('await ctx.exec("probe", "x"); return up();', "probe")).reason, /exec: /);
	t.regex((await exec('await ctx.exec("probe", ["a\\0b"]); return up();', "probe")).reason, /exec: /);
	t.regex(
		(await exec('await ctx.exec("/usr/bin/nothing"); return up();', "/usr/bin/nothing")).reason,
		/cannot be started/,
	);
	const flood = await exec('await ctx.exec("/usr/bin/yes", [], { timeoutMs: 500 }); return up();', "/usr/bin/yes");
	t.regex(flood.reason, /did not end within 500 ms and was killed/);
	const cut = await exec(
		'const { stdout } = await ctx.exec("/usr/bin/seq", ["100000"], { maxBytes: 10 }); return up(String(stdout.length));',
		"/usr/bin/seq",
	);
	t.is(cut.reason, "10");
	const mark = `3${process.pid}.25`;
	const stays = await exec(
		`await ctx.exec("/bin/sh", ["-c", "sleep ${mark} & sleep ${mark} & echo"]); return up();`,
		"/bin/sh",
	);
	t.is(stays.state, "up");
	const hangs = await exec(
		`await ctx.exec("/bin/sh", ["-c", "sleep ${mark}; true"], { timeoutMs: 300 }); return up();`,
		"/bin/sh",
	);
	t.is(hangs.state, "down");
	for (let tries = 0; tries < 100 && running(mark); tries++) await sleep(100);
	t.false(running(mark));
});

function running(word: string): boolean {
	return readdirSync("/proc").some((entry) => {
		try {
			return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0").includes(word);
		} catch {
			return false;
		}
	});
}

test("services and processes of this server", async (t) => {
	t.regex(
		(await run(`return up(String(await ctx.process("${process.title.slice(0, 15) || "node"}")));`, {})).reason,
		/^\d+$/,
	);
	t.regex((await run('return up(await ctx.service("no-such-service-here"));', {})).reason, /^(down|unknown)$/);
	t.regex((await run('return up(await ctx.service("--all"));', {})).reason, /^(down|unknown)$/);
});
