/** A test that is killed leaves a folder, mounts and processes: the next run takes them away. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { fuseType, readMounts } from "../core/replication/fuse/mountTable.ts";
import { startTimeOf } from "../sdk/lab/state.ts";
import { diskFolder, makeTestFolder, removeAbandonedFolders } from "./folder.ts";

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot("several that begin at once take what a killed test left, and leave one another alone", async (t) => {
	const fixture = join(import.meta.dirname, "folder.fixture.ts");
	for (let round = 0; round < 5; round++) {
		// Of a process that is no more, and large enough for others to come upon it meanwhile.
		const folder = join(diskFolder, `opensafe-test-${process.pid}-0-${round}-left`);
		for (let n = 0; n < 300; n++) mkdirSync(join(folder, String(n), "deeper"), { recursive: true });
		const begun = [1, 2, 3, 4].map(() => spawn(process.execPath, [fixture, "clean"], { stdio: "inherit" }));
		const ends = await Promise.all(begun.map((process) => once(process, "close")));
		t.deepEqual(ends, [
			[0, null],
			[0, null],
			[0, null],
			[0, null],
		]);
		t.false(existsSync(folder));
	}
});

asRoot("what a killed test left goes with the next one, what a living one has stays", async (t) => {
	const own = makeTestFolder("own", diskFolder);
	t.teardown(() => rmSync(own, { recursive: true, force: true }));
	writeFileSync(join(own, "file"), "");
	const owner = spawn(process.execPath, [join(import.meta.dirname, "folder.fixture.ts")], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [line] = await once(owner.stdout.setEncoding("utf8"), "data");
	const { folder, mounted, process: served, sleeper } = JSON.parse(String(line));
	const isMounted = () => readMounts().some(({ target, type }) => target.endsWith(mounted) && type === fuseType);
	t.true(isMounted());
	// Killed as well, so that its mount is dead, as after a crash of everything.
	process.kill(served, "SIGKILL");
	owner.kill("SIGKILL");
	await once(owner, "exit");
	t.true(isMounted() && existsSync(`/proc/${sleeper}`) && existsSync(folder));
	removeAbandonedFolders(diskFolder);
	t.false(existsSync(folder));
	// A test that begins at this moment may be the one that does it.
	for (let waited = 0; isMounted() && waited < 5000; waited += 50) await sleep(50);
	t.false(isMounted());
	// Dead, if perhaps not buried: not every machine's process 1 looks after orphans.
	for (let waited = 0; startTimeOf(sleeper) !== null && waited < 5000; waited += 50) await sleep(50);
	t.is(startTimeOf(sleeper), null);
	t.true(existsSync(join(own, "file")));
});
