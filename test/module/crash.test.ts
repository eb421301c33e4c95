/**
 * The power goes before any step of a change. Each call that changes the disk is preceded by a copy of the whole
 * server's folders: every copy is a server that came back from a power cut there.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { configurationInfo, readConfiguration, signatureOf } from "../../core/module/active.ts";
import { configureModule, type Hook } from "../../core/module/configure.ts";
import { installModule, listModules, uninstallModule } from "../../core/module/install.ts";
import { withModuleLock } from "../../core/module/lock.ts";
import { type Paths, pathsFrom } from "../../core/module/paths.ts";
import { receiveModule } from "../../core/module/receive.ts";
import { recover } from "../../core/module/recover.ts";
import { makeTestFolder } from "../folder.ts";
import { place, schema } from "./place.ts";
import { userconfig } from "./zips.ts";

type Fs = Record<string, (...args: unknown[]) => Promise<unknown>>;
const fs = createRequire(import.meta.url)("node:fs/promises") as Fs;
const changing = ["open", "rename", "rm", "mkdir", "rmdir"];

/** Runs `work` and returns a copy of `top` from before each of its changes, and one from the end. */
async function powerCuts(
	t: ExecutionContext,
	top: string,
	work: () => Promise<unknown>,
): Promise<{ safe: string; paths: Paths }[]> {
	const folder = makeTestFolder("cuts");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	let count = 0;
	const copy = (): string => {
		const target = join(folder, String(count++));
		cpSync(top, target, { recursive: true, filter: (path) => !path.endsWith("modules.lock") });
		return target;
	};
	const originals = new Map(changing.map((name) => [name, fs[name] as Fs[string]]));
	for (const [name, original] of originals) {
		fs[name] = async (...args) => {
			const cut = copy();
			const target = String(args[0]);
			// Removing a tree is many steps: once more with a part of it gone.
			if (name === "rm" && existsSync(target) && statSync(target).isDirectory()) {
				const half = join(copy(), target.slice(top.length));
				for (const entry of readdirSync(half).slice(0, 1)) rmSync(join(half, entry), { recursive: true });
			}
			t.true(existsSync(cut));
			return original(...args);
		};
	}
	syncBuiltinESMExports();
	try {
		await work();
	} finally {
		for (const [name, original] of originals) fs[name] = original;
		syncBuiltinESMExports();
	}
	copy();
	return Array.from({ length: count }, (_, n) => {
		const safe = join(folder, String(n), "safe");
		return { safe, paths: pathsFrom({ SAFE: safe, SAFEVAR: join(folder, String(n), "var") }) };
	});
}

const version = (value: string): string =>
	userconfig.replace("</service>", `<user><var name="V" value="${value}"/></user></service>`);
const entries = (value: string) => [
	{ name: "bin/start_prim", content: value },
	{ name: "conf/userconfig.xml", content: version(value) },
];

/** Names of what a change leaves beside the modules. */
function litter(safe: string): string[] {
	if (!existsSync(safe)) return [];
	return readdirSync(safe, { recursive: true })
		.map(String)
		.filter((name) => /(^|\/)\./.test(name));
}

test.serial("install -r: the old files or the new, never a mix, and nothing left beside", async (t) => {
	const here = await place(t);
	await installModule(here.paths, { name: "m", file: await here.pack("one.safe", entries("one")) });
	const old = (await signatureOf(here.paths.module("m").source)).signature;
	const file = await here.pack("two.safe", entries("two"));
	const cuts = await powerCuts(t, here.top, () => installModule(here.paths, { name: "m", file, replace: true }));
	const now = (await signatureOf(here.paths.module("m").source)).signature;
	const seen = new Set<string>();
	let withoutRecovery = 0;
	for (const { safe, paths } of cuts) {
		if (!existsSync(paths.module("m").sourceConf)) withoutRecovery++;
		await withModuleLock(paths, () => recover(paths));
		const { signature } = await signatureOf(paths.module("m").source);
		t.true([old, now].includes(signature));
		seen.add(signature);
		t.deepEqual(await listModules(paths), [{ name: "m", id: 1 }]);
		t.deepEqual(litter(safe), []);
		await t.notThrowsAsync(installModule(paths, { name: "m", file, replace: true }));
	}
	t.is(seen.size, 2);
	t.true(cuts.length > 20, `${cuts.length} cuts`);
	t.true(withoutRecovery > 0, "without recovery the module would be gone after some cut");
});

test.serial("config: the new configuration counts only after postconfig, and then as a whole", async (t) => {
	const here = await place(t);
	await installModule(here.paths, { name: "m", file: await here.pack("one.safe", entries("one")) });
	const quiet: Hook = async () => ({ ran: false, exitCode: null });
	await configureModule(here.paths, "m", { schema, environment: {}, hook: quiet });
	await installModule(here.paths, { name: "m", file: await here.pack("two.safe", entries("two")), replace: true });
	const marker = join(here.top, "postconfig-ended");
	const hook: Hook = async (script) => {
		if (script === "postconfig") await fs.mkdir?.(marker);
		return { ran: true, exitCode: 0 };
	};
	const cuts = await powerCuts(t, here.top, () => configureModule(here.paths, "m", { schema, environment: {}, hook }));
	const seen = new Set<string | undefined>();
	let plainReaderWrong = 0;
	for (const { safe, paths } of cuts) {
		const ended = existsSync(join(safe, "../postconfig-ended"));
		const plain = join(paths.module("m").userBin, "start_prim");
		if (!existsSync(plain) || (!ended && readText(plain) === "two")) plainReaderWrong++;
		const before = (await readConfiguration(paths, "m"))?.user?.vars[0]?.value;
		await withModuleLock(paths, () => recover(paths));
		const after = (await readConfiguration(paths, "m"))?.user?.vars[0]?.value;
		t.is(after, before, "what readers see does not change when the server recovers");
		t.true(after === "one" || (after === "two" && ended));
		t.is(readText(plain), after as string, "scripts and configuration belong together");
		t.true(readText(join(paths.module("m").userConf, "safeconf.xml")).includes(`value="${after}"`));
		t.deepEqual(litter(safe), []);
		seen.add(after);
		await t.notThrowsAsync(configureModule(paths, "m", { schema, environment: {}, hook: quiet }));
		t.is((await readConfiguration(paths, "m"))?.user?.vars[0]?.value, "two");
	}
	t.deepEqual([...seen], ["one", "two"]);
	t.true(plainReaderWrong > 0, "a reader that ignores the trial would see a mix, or nothing, after some cut");
});

test.serial("first install, first config and uninstall: all or nothing", async (t) => {
	const here = await place(t);
	const file = await here.pack("m.safe", entries("one"));
	const hook: Hook = async () => ({ ran: true, exitCode: 0 });
	const cuts = await powerCuts(t, here.top, async () => {
		await installModule(here.paths, { file });
		await configureModule(here.paths, "m", { schema, environment: {}, hook });
		await uninstallModule(here.paths, "m");
	});
	const states = new Set<string>();
	for (const { safe, paths } of cuts) {
		await withModuleLock(paths, () => recover(paths));
		const info = await configurationInfo(paths, "m");
		const listed = (await listModules(paths)).length;
		if (listed === 1) t.deepEqual(await listModules(paths), [{ name: "m", id: 1 }]);
		states.add(`${listed} ${info.current === null ? "none" : "whole"} ${info.active === null ? "none" : "whole"}`);
		t.deepEqual(litter(safe), []);
		t.is((await installModule(paths, { file, replace: true })).id, 1);
	}
	t.deepEqual([...states].sort(), ["0 none none", "1 whole none", "1 whole whole"]);
});

test.serial("from another server: files and configuration together, or installed and not yet applied", async (t) => {
	const here = await place(t);
	await installModule(here.paths, { name: "m", file: await here.pack("one.safe", entries("one")) });
	const quiet: Hook = async () => ({ ran: true, exitCode: 0 });
	const options = { schema, environment: {}, hook: quiet };
	await configureModule(here.paths, "m", options);
	const bytes = readFileSync(await here.pack("two.safe", entries("two")));
	const received = { name: "m", id: 7, bytes, from: "the other one" };
	const cuts = await powerCuts(t, here.top, () => receiveModule(here.paths, received, options));
	const seen = new Set<string>();
	for (const { safe, paths } of cuts) {
		await withModuleLock(paths, () => recover(paths));
		const source = readText(join(paths.module("m").sourceBin, "start_prim"));
		const active = (await readConfiguration(paths, "m"))?.user?.vars[0]?.value;
		const [{ id } = { id: 0 }] = await listModules(paths);
		seen.add(`${source} ${id} ${active}`);
		t.deepEqual(litter(safe), []);
		await t.notThrowsAsync(receiveModule(paths, received, options));
		t.is((await readConfiguration(paths, "m"))?.id, 7);
	}
	// The number goes first: a folder without one could not run.
	t.deepEqual([...seen], ["one 1 one", "one 7 one", "two 7 one", "two 7 two"]);
	const failing = async (): Promise<{ ran: boolean; exitCode: number }> => ({ ran: true, exitCode: 1 });
	const again = { ...received, id: 8, bytes: readFileSync(await here.pack("three.safe", entries("three"))) };
	await t.throwsAsync(receiveModule(here.paths, again, { ...options, hook: failing }), { message: /postconfig/ });
	t.is(readText(join(here.paths.module("m").sourceBin, "start_prim")), "two");
	t.deepEqual(await listModules(here.paths), [{ name: "m", id: 7 }]);
	t.is((await readConfiguration(here.paths, "m"))?.user?.vars[0]?.value, "two");
});

function readText(path: string): string {
	return createRequire(import.meta.url)("node:fs").readFileSync(path, "utf8") as string;
}
