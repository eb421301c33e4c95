/** The starter, in small projects of its own: installs once, survives kills, notices a changed lock. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { makeTestFolder } from "../folder.ts";

const root = join(import.meta.dirname, "../..");
const pinned = `node_modules/node-${process.platform}-${process.arch}`;

/** A project with the real starter, and a lock that holds only the pinned Node and one small package. */
async function smallProject(): Promise<string> {
	const folder = makeTestFolder("start");
	const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
	const names = [pinned, "node_modules/semver"];
	const packages = Object.fromEntries(names.map((name) => [name, lock.packages[name]]));
	const short = pinned.slice("node_modules/".length);
	const manifest = {
		name: "small",
		version: "1.0.0",
		dependencies: { semver: packages["node_modules/semver"].version },
		optionalDependencies: { [short]: packages[pinned].version },
	};
	await mkdir(join(folder, "core/cli"), { recursive: true });
	await cp(join(root, "core/cli/start.mjs"), join(folder, "core/cli/start.mjs"));
	await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
	const whole = {
		name: "small",
		version: "1.0.0",
		lockfileVersion: 3,
		requires: true,
		packages: { "": manifest, ...packages },
	};
	await writeFile(join(folder, "package-lock.json"), JSON.stringify(whole));
	const bins = `...(process.env.PATH.includes("node_modules/.bin") ? ["with the programs of packages"] : [])`;
	await writeFile(
		join(folder, "core/cli/safekit.mjs"),
		`console.log("ran", process.version, ...process.argv.slice(2), ${bins});`,
	);
	return folder;
}

interface Ended {
	code: number | null;
	out: string;
	err: string;
}

function start(folder: string): { child: ChildProcess; ended: Promise<Ended> } {
	const args = ["core/cli/start.mjs", "safekit", "a", "b"];
	// As npm has it.
	const env = { ...process.env, PATH: `${join(folder, "node_modules/.bin")}${delimiter}${process.env.PATH}` };
	const child = spawn(process.execPath, args, { cwd: folder, detached: true, env });
	const text = { out: "", err: "" };
	child.stdout?.on("data", (data) => {
		text.out += data;
	});
	child.stderr?.on("data", (data) => {
		text.err += data;
	});
	return { child, ended: once(child, "close").then(([code]) => ({ code: code as number | null, ...text })) };
}

test.serial("two runs at once in a fresh clone install once, and both run under the pinned Node", async (t) => {
	const folder = await smallProject();
	t.teardown(() => rm(folder, { recursive: true, force: true }));
	const [first, second] = await Promise.all([start(folder).ended, start(folder).ended]);
	for (const run of [first, second]) {
		t.is(run.code, 0, run.err);
		t.is(
			run.out,
			"ran v26.10.0 a b\n",
			"nothing but the work itself is on stdout, and the system's programs are those that it finds",
		);
	}
	t.is([first, second].filter((run) => run.err.includes("Installing")).length, 1);
	t.false(existsSync(join(folder, ".install-lock")));
});

test.serial("a run killed while it installs is repaired by the next one, and a changed lock is noticed", async (t) => {
	const folder = await smallProject();
	t.teardown(() => rm(folder, { recursive: true, force: true }));
	const killed = start(folder);
	while (!existsSync(join(folder, ".install-lock/owner.json"))) await sleep(5);
	await sleep(300);
	process.kill(-(killed.child.pid as number), "SIGKILL");
	await killed.ended;
	t.true(existsSync(join(folder, ".install-lock")), "the lock of the dead is still there");
	const after = await start(folder).ended;
	t.is(after.code, 0, after.err);
	t.true(after.err.includes("Installing"));

	const hidden = join(folder, "node_modules/.package-lock.json");
	await writeFile(
		hidden,
		(await readFile(hidden, "utf8")).replace(/(?<one>semver": \{\s*"version": ")[^"]+/, "$<one>0.0.1"),
	);
	const repaired = await start(folder).ended;
	t.true(repaired.err.includes("Installing"), "another lock than the installed one");
	const quiet = await start(folder).ended;
	t.is(quiet.err, "", "nothing to do");
	t.is(quiet.code, 0);
});
