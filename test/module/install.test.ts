import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { installModule, listModules, packageModule, uninstallModule } from "../../core/module/install.ts";
import { withModuleLock } from "../../core/module/lock.ts";
import { portLines, portsAsText, portsOf } from "../../core/module/ports.ts";
import { recoverModules } from "../../core/module/recover.ts";
import { place } from "./place.ts";
import { goodEntry, userconfig } from "./zips.ts";

test("a module is installed under its file's name or another, byte for byte, scripts executable", async (t) => {
	const here = await place(t);
	const content = `\ufeff<!-- é -->\r\n${userconfig}`;
	const file = await here.pack("mirror.safe", [
		{ name: "conf/userconfig.xml", content },
		{ name: "bin/start_prim", content: "#!/bin/sh\n", mode: 0o100644 },
		{ name: "manifest.xml", content: '<module name="other"/>' },
		{ name: "web/" },
	]);
	t.like(await installModule(here.paths, { file }), { name: "mirror", id: 1, file, archived: null });
	t.like(await installModule(here.paths, { file, name: "k3s" }), { name: "k3s", id: 2, file, archived: null });
	const { source } = here.paths.module("k3s");
	t.is(await readFile(join(source, "conf/userconfig.xml"), "utf8"), content);
	t.is((await stat(join(source, "bin/start_prim"))).mode & 0o777, 0o755);
	t.true((await stat(join(source, "web"))).isDirectory());
});

test("ids are persistent, unique, and the lowest free one", async (t) => {
	const here = await place(t);
	const file = await here.pack("a.safe", [goodEntry]);
	await installModule(here.paths, { file });
	await installModule(here.paths, { file, name: "b", id: 7 });
	await t.throwsAsync(installModule(here.paths, { file, name: "c", id: 7 }), {
		code: "MODULE_ID",
		message: /belongs to the module b/,
	});
	for (const id of [0, 256, 1.5])
		await t.throwsAsync(installModule(here.paths, { file, name: "c", id }), { code: "MODULE_ID" });
	await installModule(here.paths, { file, name: "c" });
	await installModule(here.paths, { file, name: "b", replace: true });
	await uninstallModule(here.paths, "a");
	t.deepEqual(await listModules(here.paths), [
		{ name: "c", id: 2 },
		{ name: "b", id: 7 },
	]);
	await installModule(here.paths, { file, name: "d" });
	t.deepEqual((await listModules(here.paths))[0], { name: "d", id: 1 });
});

test("an installed module is replaced only with -r, and archived then and at uninstall", async (t) => {
	const here = await place(t);
	const file = await here.pack("m.safe", [goodEntry, { name: "bin/old", content: "1" }]);
	await installModule(here.paths, { file });
	await t.throwsAsync(installModule(here.paths, { file }), { code: "MODULE_EXISTS" });
	const newer = await here.pack("m2.safe", [goodEntry, { name: "bin/new", content: "2" }]);
	await installModule(here.paths, { file: newer, name: "m", replace: true });
	t.deepEqual(await readdir(here.paths.module("m").sourceBin), ["new"]);
	const backup = join(here.paths.safe, "Application_Modules/backup");
	t.regex((await readdir(backup)).join(), /^m_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.safe$/);
	const archive = await uninstallModule(here.paths, "m");
	t.deepEqual(await listModules(here.paths), []);
	t.deepEqual(await readdir(join(here.paths.safe, "modules")), []);
	await t.throwsAsync(uninstallModule(here.paths, "m"), { code: "MODULE_UNKNOWN" });
	await installModule(here.paths, { file: archive as string, name: "back" });
	t.deepEqual(await readdir(here.paths.module("back").sourceBin), ["new"]);
});

test("without a file, the package is looked for below Application_Modules", async (t) => {
	const here = await place(t);
	const folder = join(here.paths.safe, "Application_Modules/generic/deep");
	await mkdir(folder, { recursive: true });
	await writeFile(join(folder, "m.safe"), await readFile(await here.pack("x.safe", [goodEntry])));
	t.is((await installModule(here.paths, { name: "m" })).file, join(folder, "m.safe"));
	await t.throwsAsync(installModule(here.paths, { name: "none" }), { code: "PACKAGE_NOT_FOUND" });
});

test("names that are none are refused", async (t) => {
	const here = await place(t);
	const file = await here.pack("m.safe", [goodEntry]);
	for (const name of ["", "..", "a/b", ".m", "lastconfig", "-m", "a b", "x".repeat(65), "é"]) {
		await t.throwsAsync(installModule(here.paths, { file, name }), { code: "MODULE_NAME" }, name);
	}
	await t.throwsAsync(installModule(here.paths, {}), { code: "USAGE" });
});

test("package writes what install read", async (t) => {
	const here = await place(t);
	await installModule(here.paths, { file: await here.pack("m.safe", [goodEntry]) });
	const out = join(here.top, "out.safe");
	await packageModule(here.paths, "m", out);
	t.is((await installModule(here.paths, { file: out })).name, "out");
	await t.throwsAsync(packageModule(here.paths, "m", "out.safe"), { code: "USAGE" });
	await t.throwsAsync(packageModule(here.paths, "none", out), { code: "MODULE_UNKNOWN" });
});

test("one module command at a time", async (t) => {
	const here = await place(t);
	const order: string[] = [];
	await withModuleLock(here.paths, async () => {
		await t.throwsAsync(
			withModuleLock(here.paths, async () => order.push("never"), 200),
			{ code: "MODULE_LOCKED" },
		);
		await t.notThrowsAsync(recoverModules(here.paths), "a daemon that starts now lets the command work");
		order.push("first");
	});
	await withModuleLock(here.paths, async () => order.push("second"));
	t.deepEqual(order, ["first", "second"]);
});

test("ports derive from the id", (t) => {
	t.deepEqual(portsOf(1), { heart: 8888, rfs: 5600, farm: 4803 });
	t.deepEqual(portsOf(2), { heart: 8889, rfs: 5604, farm: 4806 });
	t.is(
		portsAsText(portLines({ ...portsOf(1), farm: null })),
		"List of the ports used by SafeKit\nProcess Ports\nsafeadmin\nport UDP 4800\nwebconsole\nport TCP 9010\nheart\nport UDP 8888\nrfs\nsafenfs_port TCP 5600\n",
	);
});
