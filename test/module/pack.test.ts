import { chmod, cp, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { allGroups } from "../../core/cli/all.ts";
import { runProgram } from "../../core/cli/program.ts";
import { installModule } from "../../core/module/install.ts";
import { contentsOf } from "../../core/module/pack/contents.ts";
import { differenceOf } from "../../core/module/pack/diff.ts";
import { packModule } from "../../core/module/pack/pack.ts";
import { readPackage } from "../../core/module/package/read.ts";
import { type Place, place, schema } from "./place.ts";

const config = (more = "", inner = "") =>
	`<safe><service mode="mirror" ${more}><heart><heartbeat name="default"/></heart><user/>${inner}</service></safe>`;

/** A module as an author has it, with all that is his own beside it. */
async function authors(t: ExecutionContext): Promise<Place & { folder: string }> {
	const here = await place(t);
	const folder = join(here.top, "web");
	const files: Record<string, string> = {
		"conf/userconfig.xml": config(),
		"module.json": '{ "name": "web", "version": "1.0.0" }',
		"README.md": "# web",
		"bin/start_prim": "#!/bin/sh\nexit 0\n",
		"bin/stop_prim": "#!/bin/sh\nexit 0\n",
		"bin/checks/web.ts":
			'import { checker, up } from "opensafe";\nexport default checker({ every: "5s" }, () => up());\n',
		"tests/web.test.ts": "",
		"tsconfig.json": "{}",
		"node_modules/x/index.js": "",
		".git/HEAD": "",
		"bin/.start_prim.swp": "",
		"web.safe": "made before",
	};
	for (const [name, text] of Object.entries(files)) {
		await mkdir(dirname(join(folder, name)), { recursive: true });
		await writeFile(join(folder, name), text);
	}
	await symlink("/etc", join(folder, "node_modules/link"));
	return { ...here, folder };
}

const inside = [
	"README.md",
	"bin/checks/web.ts",
	"bin/start_prim",
	"bin/stop_prim",
	"conf/userconfig.xml",
	"module.json",
];

test("what is packed is the module, under the name of its module.json", async (t) => {
	const { top, folder } = await authors(t);
	const packed = await packModule(folder, undefined, top);
	t.like(packed, { file: join(top, "web.safe"), name: "web", version: "1.0.0" });
	t.deepEqual(
		(await readPackage(packed.file)).files.map(({ name }) => name),
		inside,
	);
	t.is((await readFile(packed.file)).length, packed.bytes);
	await rm(join(folder, "module.json"));
	await rename(folder, join(top, "other"));
	t.like(await packModule(join(top, "other"), undefined, top), { file: join(top, "other.safe"), version: null });
	await t.throwsAsync(packModule(join(top, "none"), undefined, top), {
		code: "USAGE",
		message: /none is not a folder/,
	});
	await t.throwsAsync(packModule(join(top, "other"), join(top, "no/x.safe"), top), { code: "USAGE" });
});

test("the same folder gives the same bytes: elsewhere, later, with other modes, and with a package inside", async (t) => {
	const { top, folder } = await authors(t);
	const first = await packModule(folder, undefined, folder);
	await packModule(folder, undefined, folder);
	const copy = join(top, "copy/elsewhere");
	await mkdir(dirname(copy));
	// Written in another order, at another time, with another umask.
	await mkdir(copy);
	for (const name of ["tests", "module.json", "conf", "bin", "README.md"]) {
		await cp(join(folder, name), join(copy, name), { recursive: true });
	}
	for (const name of inside) {
		await utimes(join(copy, name), 1_000_000_000, 1_000_000_000);
		await chmod(join(copy, name), name.startsWith("bin/") ? 0o700 : 0o640);
	}
	const second = await packModule(copy, join(top, "second.safe"), top);
	t.is(second.sha256, first.sha256);
	t.deepEqual(await readFile(second.file), await readFile(first.file));
	await writeFile(join(copy, "bin/stop_prim"), "#!/bin/sh\nexit 1\n");
	t.not((await packModule(copy, join(top, "third.safe"), top)).sha256, first.sha256);
});

async function command(cwd: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
	const said = { out: "", err: "" };
	const call = {
		...{ argv, module: undefined, who: "root", cwd, pid: process.pid, tty: false },
		signal: new AbortController().signal,
		out: (text: string) => {
			said.out += text;
		},
		err: (text: string) => {
			said.err += text;
		},
	};
	return { code: await runProgram(call, null, allGroups), ...said };
}

test("the commands pack, sign, verify and diff, without a server", async (t) => {
	const { top, folder } = await authors(t);
	const packed = await command(top, "module", "pack", "web");
	t.is(packed.code, 0, packed.err);
	t.regex(packed.out, /web\.safe: web 1\.0\.0, \d+ bytes, SHA-256 [0-9a-f]{64}\n$/);
	t.is((await command(top, "module", "verify", "web.safe")).code, 4);
	t.is((await command(top, "module", "sign", "web.safe")).code, 2);
	t.is((await command(top, "module", "sign", "--new-key", "me.key")).code, 0);
	const signed = JSON.parse((await command(top, "module", "sign", "web.safe", "--key", "me.key", "--json")).out);
	t.like(signed, { file: join(top, "web.safe"), name: "web", version: "1.0.0" });
	const verified = await command(top, "module", "verify", "web.safe", "--key", "me.key.pub", "--json");
	t.like(JSON.parse(verified.out), { ok: true, fingerprint: signed.fingerprint, trustedAs: null });
	const untrusted = await command(top, "module", "verify", "web.safe", "--json");
	t.is(untrusted.code, 4);
	t.like(JSON.parse(untrusted.out), { error: { code: "PACKAGE_UNTRUSTED" } });
	t.regex((await command(top, "module", "diff", "web", "web.safe")).out, /^Nothing that counts differs\.\n$/);

	await writeFile(join(folder, "conf/userconfig.xml"), config('bot="on"'));
	const before = await readFile(join(top, "web.safe"));
	const bad = await command(top, "module", "pack", "web");
	t.deepEqual([bad.code, bad.out], [3, "web: nothing is packed\n"]);
	t.regex(bad.err, /bot/);
	t.deepEqual(await readFile(join(top, "web.safe")), before);
});

test("diff tells what an upgrade changes, and whether it needs a stop", async (t) => {
	const { top, folder, paths } = await authors(t);
	const { file } = await packModule(folder, join(top, "old.safe"), top);
	await installModule(paths, { file, name: "web" });
	const checker = (port: number) =>
		`<check><tcp ident="web" when="prim"><to addr="127.0.0.1" port="${port}"/></tcp></check>`;
	await writeFile(join(folder, "conf/userconfig.xml"), config("", checker(80)));
	await writeFile(
		join(folder, "module.json"),
		'{"name":"web","version":"1.1.0","requires":{"core":"^0.1"},"permissions":{"net":["127.0.0.1:80"]}}',
	);
	await writeFile(join(folder, "bin/stop_prim"), "#!/bin/sh\nexit 2\n");
	await writeFile(join(folder, "bin/tool"), "");
	await rm(join(folder, "bin/checks/web.ts"));
	const compare = async (old: string, now: string) =>
		differenceOf(await contentsOf(old, top, paths), await contentsOf(now, top, paths), schema);
	const found = await compare("web-installed-or-not", "web").catch((error) => error);
	t.is(found.code, "PACKAGE_NOT_FOUND");
	await rename(folder, join(top, "new"));
	// "web" is the installed module now.
	const upgrade = await compare("web", "new");
	t.deepEqual(upgrade.version, { from: "1.0.0", to: "1.1.0" });
	t.deepEqual(upgrade.permissions, { added: ["may connect to 127.0.0.1:80"], removed: [] });
	t.deepEqual(upgrade.requires, [{ what: "core", from: "*", to: "^0.1" }]);
	t.deepEqual(upgrade.files, [
		{ name: "bin/checks/web.ts", kind: "checker", change: "removed" },
		{ name: "bin/stop_prim", kind: "script", change: "changed" },
		{ name: "bin/tool", kind: "program", change: "added" },
	]);
	t.deepEqual(upgrade.needsStop, []);
	t.deepEqual(
		upgrade.userconfig.map(({ text }) => text),
		["check is added"],
	);
	await cp(join(top, "new"), join(top, "newer"), { recursive: true });
	const rfs = '<rfs><replicated dir="/data" mode="read_only"/></rfs>';
	await writeFile(join(top, "newer/conf/userconfig.xml"), config("", rfs + checker(8080)));
	const next = await compare("new", "newer");
	t.deepEqual(
		next.userconfig.map(({ text, dyn }) => [text, dyn]),
		[
			["rfs is added", false],
			["check/tcp[web]/to[127.0.0.1]@port: 80 → 8080", true],
		],
	);
	t.deepEqual(next.needsStop, ["rfs is added"]);
	const said = (await command(top, "module", "diff", "new", "newer")).out;
	t.is(
		said,
		"configuration: rfs is added   (needs a stop)\nconfiguration: check/tcp[web]/to[127.0.0.1]@port: 80 → 8080\nIt needs a stop.\n",
	);
	t.regex((await command(top, "module", "diff", file, "new")).out, /\nIt can be applied while the module runs\.\n$/);
});

test("an author's own files do not disturb the check of his folder", async (t) => {
	const { top, folder } = await authors(t);
	const checked = await command(top, "module", "check", "web");
	t.is(checked.code, 0, checked.err);
	t.regex(checked.out, /runs as root: scripts start_prim, stop_prim\n/);
	await symlink("/etc/passwd", join(folder, "bin/link"));
	t.is((await command(top, "module", "check", "web")).code, 3);
});
