import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { configurationInfo, readConfiguration } from "../../core/module/active.ts";
import {
	checkConfiguration,
	configureModule,
	deconfigureModule,
	type Hook,
	type HookName,
} from "../../core/module/configure.ts";
import { setEncryption } from "../../core/module/encryption.ts";
import type { FileSystemProbe } from "../../core/module/filesystem.ts";
import { installModule, uninstallModule } from "../../core/module/install.ts";
import { type Place, place, schema } from "./place.ts";

const noHook: Hook = async () => ({ ran: false, exitCode: null });
const goodDisk: FileSystemProbe = { probe: async () => ({ type: "ext4", fileHandles: true, trustedXattrs: true }) };
const options = { schema, environment: {}, hook: noHook, probe: goodDisk };

function config(value: string, rfs = ""): string {
	return `<safe><macro name="V" value="${value}"/><service mode="mirror"><heart><heartbeat name="default"/></heart>${rfs}<user><var name="V" value="%V%"/></user></service></safe>`;
}

async function installed(here: Place, name: string, xml: string): Promise<void> {
	const file = await here.pack(`${name}.safe`, [
		{ name: "conf/userconfig.xml", content: xml },
		{ name: "bin/start_prim", content: "#!/bin/sh\r\n" },
		{ name: "bin/lib/helper", content: "x" },
	]);
	await installModule(here.paths, { file });
}

async function edit(here: Place, name: string, xml: string): Promise<void> {
	await writeFile(join(here.paths.module(name).sourceConf, "userconfig.xml"), xml);
}

test("config puts safeconf.xml and every file of bin in place, before postconfig runs", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("a &lt;"));
	const { userConf, userBin, userVar } = here.paths.module("m");
	const seen: HookName[] = [];
	const hook: Hook = async (script, configuration) => {
		seen.push(script);
		t.is(configuration.user?.vars[0]?.value, "a <");
		t.true((await readFile(join(userConf, "safeconf.xml"), "utf8")).includes('<var name="V" value="a &lt;"/>'));
		t.is((await stat(join(userBin, "start_prim"))).mode & 0o777, 0o755);
		return { ran: true, exitCode: 0 };
	};
	t.is(await readConfiguration(here.paths, "m"), null);
	const result = await configureModule(here.paths, "m", { ...options, hook });
	t.deepEqual(seen, ["config", "postconfig"]);
	t.is(await readFile(join(userBin, "lib/helper"), "utf8"), "x");
	t.true((await stat(userVar)).isDirectory());
	t.deepEqual(await readConfiguration(here.paths, "m"), result.configuration);
});

test("encryption is on, and what switches it takes effect at the next config, travels along and is undone", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("one"));
	const first = await configureModule(here.paths, "m", options);
	t.true(first.configuration.encryption);
	await setEncryption(here.paths, "m", false);
	t.true((await readConfiguration(here.paths, "m"))?.encryption, "not before the next config");
	const second = await configureModule(here.paths, "m", options);
	t.false(second.configuration.encryption);
	t.false((await readConfiguration(here.paths, "m"))?.encryption);
	t.not(second.signature, first.signature, "both servers can tell that they were configured alike");
	await setEncryption(here.paths, "m", true);
	t.true((await configureModule(here.paths, "m", options)).configuration.encryption);
	await t.throwsAsync(setEncryption(here.paths, "nobody", false), { code: "MODULE_UNKNOWN" });
});

test("postconfig other than 0: the previous configuration stays in force", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("one"));
	const failing: Hook = async (script) => {
		// While the new one is on trial, others still read what was in force.
		t.is((await readConfiguration(here.paths, "m"))?.user?.vars[0]?.value, seen);
		return { ran: script === "postconfig", exitCode: 1 };
	};
	let seen: string | undefined;
	await t.throwsAsync(configureModule(here.paths, "m", { ...options, hook: failing }), {
		code: "CONFIG_SCRIPT",
		message: /postconfig ended with 1/,
	});
	t.is(await readConfiguration(here.paths, "m"), null);
	t.deepEqual(await readdir(join(here.paths.safe, "private/modules")), []);
	await configureModule(here.paths, "m", options);
	await edit(here, "m", config("two"));
	seen = "one";
	await t.throwsAsync(configureModule(here.paths, "m", { ...options, hook: failing }), { code: "CONFIG_SCRIPT" });
	t.is((await readConfiguration(here.paths, "m"))?.user?.vars[0]?.value, "one");
	t.true((await readFile(join(here.paths.module("m").userConf, "safeconf.xml"), "utf8")).includes('value="one"'));
	t.deepEqual(await readdir(join(here.paths.safe, "private/modules")), ["m"]);
});

test("an invalid configuration names everything that is wrong and changes nothing", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("one"));
	await configureModule(here.paths, "m", options);
	await edit(here, "m", config("two").replace('mode="mirror"', 'mode="mirror" boot_delay="500ms" maxloop="x"'));
	const before = await here.tree();
	const error = await t.throwsAsync(configureModule(here.paths, "m", options), { code: "CONFIG_INVALID" });
	t.like(error, { exit: 3, message: "invalid value '500ms' for the attribute boot_delay (expected time unit: 's')" });
	const { problems } = error as unknown as { problems: { code: string }[] };
	t.deepEqual(
		problems.map(({ code }) => code),
		["CONFIG_TIME_UNIT", "CONFIG_VALUE", "PACKAGE_SCRIPT"],
	);
	t.deepEqual(await here.tree(), before);
	await t.throwsAsync(checkConfiguration(here.paths, "m", options), { code: "CONFIG_INVALID" });
	t.is((await readConfiguration(here.paths, "m"))?.user?.vars[0]?.value, "one");
});

test("the last three successful configurations are kept", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("0"));
	for (const n of [1, 2, 3, 4]) {
		await edit(here, "m", config(String(n)));
		await configureModule(here.paths, "m", options);
	}
	const folder = join(here.paths.safe, "modules/lastconfig");
	const kept = (await readdir(folder)).sort();
	t.is(kept.length, 3);
	await installModule(here.paths, { file: join(folder, kept[0] as string), name: "old" });
	t.regex(await readFile(join(here.paths.module("old").sourceConf, "userconfig.xml"), "utf8"), /name="V" value="2"/);
});

test("confinfo compares what is in force with what is edited", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("one"));
	const before = await configurationInfo(here.paths, "m");
	t.is(before.active, null);
	await configureModule(here.paths, "m", options);
	const applied = await configurationInfo(here.paths, "m");
	t.is(applied.active?.signature, applied.current?.signature);
	t.regex(applied.active?.signature ?? "", /^[0-9a-f]{32}$/);
	t.true(Math.abs((applied.active?.unixDate ?? 0) - Date.now() / 1000) < 600);
	await edit(here, "m", config("two"));
	const edited = await configurationInfo(here.paths, "m");
	t.not(edited.active?.signature, edited.current?.signature);
});

test("replicated directories are created, and refused where they cannot be served", async (t) => {
	const here = await place(t);
	const data = join(here.top, "data");
	const rfs = (dir: string): string => `<rfs><replicated dir="${dir}"/></rfs>`;
	await installed(here, "m", config("one", rfs(join(data, "a/b"))));
	const told = (await checkConfiguration(here.paths, "m", options)).map(({ code, severity }) => [code, severity]);
	t.deepEqual(told, [["PACKAGE_SCRIPT", "warning"]]);
	await t.throwsAsync(stat(data), { code: "ENOENT" }, "confcheck creates nothing");
	const failing: Hook = async (script) => ({ ran: script === "postconfig", exitCode: 2 });
	await t.throwsAsync(configureModule(here.paths, "m", { ...options, hook: failing }), { code: "CONFIG_SCRIPT" });
	await t.throwsAsync(stat(data), { code: "ENOENT" }, "a config that fails leaves no directory");
	await configureModule(here.paths, "m", options);
	t.true((await stat(join(data, "a/b"))).isDirectory());
	await installed(here, "n", config("one"));
	await symlink(data, join(here.top, "link"));
	await writeFile(join(here.top, "file"), "");
	const refusals: [dir: string, message: RegExp][] = [
		[join(data, "a"), /of the module m/],
		[join(data, "a/b/c"), /of the module m/],
		[join(here.top, "link/a/b"), /of the module m/],
		[join(here.top, "link"), /symbolic link/],
		[join(here.top, "file"), /not a directory/],
		["/", /whole file system/],
		["D:\\data", /not absolute on this system/],
		[here.paths.safevar, /product's own/],
		[here.top, /product's own/],
	];
	for (const [dir, message] of refusals) {
		await edit(here, "n", config("one", rfs(dir)));
		await t.throwsAsync(configureModule(here.paths, "n", options), { code: "CONFIG_INVALID", message }, dir);
	}
	const badDisk: FileSystemProbe = { probe: async () => ({ type: "tmpfs", fileHandles: true, trustedXattrs: false }) };
	await edit(here, "n", config("one", rfs(join(here.top, "new/dir"))));
	await t.throwsAsync(configureModule(here.paths, "n", { ...options, probe: badDisk }), {
		message: /\(tmpfs\) has no trusted/,
	});
	await t.notThrowsAsync(
		configureModule(here.paths, "m", { ...options, probe: badDisk }),
		"what is served already is not probed again",
	);
});

test("deconfig removes what is in force and keeps what is edited; uninstall leaves nothing", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("one"));
	const scripts: HookName[] = [];
	const hook: Hook = async (script) => {
		scripts.push(script);
		return { ran: true, exitCode: 1 };
	};
	await deconfigureModule(here.paths, "m", hook);
	await configureModule(here.paths, "m", options);
	await deconfigureModule(here.paths, "m", hook);
	t.deepEqual(scripts, ["deconfig"]);
	t.is(await readConfiguration(here.paths, "m"), null);
	t.true((await stat(here.paths.module("m").sourceConf)).isDirectory());
	await uninstallModule(here.paths, "m");
	t.deepEqual(await readdir(join(here.paths.safe, "private/modules")), []);
	t.deepEqual(await readdir(join(here.paths.safevar, "modules")), []);
	await t.throwsAsync(configureModule(here.paths, "m", options), { code: "MODULE_UNKNOWN" });
});

test("a damaged configuration in force is named, and config repairs it", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("one"));
	await configureModule(here.paths, "m", options);
	const file = join(here.paths.module("m").userConf, "configuration.json");
	for (const content of ["", "{", '{"format":99}']) {
		await writeFile(file, content);
		await t.throwsAsync(readConfiguration(here.paths, "m"), { code: "CONFIG_DAMAGED" });
	}
	await rm(file);
	await t.throwsAsync(readConfiguration(here.paths, "m"), { code: "CONFIG_DAMAGED" });
	await configureModule(here.paths, "m", options);
	t.is((await readConfiguration(here.paths, "m"))?.module, "m");
});

test("kill -9 in the middle of postconfig: the lock is free, the previous configuration in force", async (t) => {
	const here = await place(t);
	await installed(here, "m", config("one"));
	await configureModule(here.paths, "m", options);
	await edit(here, "m", config("two"));
	const env = { ...process.env, SAFE: here.paths.safe, SAFEVAR: here.paths.safevar };
	const child = spawn(process.execPath, [join(import.meta.dirname, "hangingConfig.ts")], {
		env,
		stdio: ["ignore", "pipe", "inherit"],
	});
	await new Promise((resolve) => child.stdout.once("data", resolve));
	t.is((await readConfiguration(here.paths, "m"))?.user?.vars[0]?.value, "one");
	child.kill("SIGKILL");
	const [, signal] = await new Promise<[number | null, string | null]>((resolve) =>
		child.once("exit", (...how) => resolve(how)),
	);
	t.is(signal, "SIGKILL");
	t.is((await readConfiguration(here.paths, "m"))?.user?.vars[0]?.value, "one");
	await mkdir(here.paths.run, { recursive: true });
	await configureModule(here.paths, "m", options);
	t.is((await readConfiguration(here.paths, "m"))?.user?.vars[0]?.value, "two");
	t.deepEqual(await readdir(join(here.paths.safe, "private/modules")), ["m"]);
});
