/** What watching costs: 50 names on a server with 2,000 processes, at most 1 % of a core (the aim). */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { ProcessTable } from "../../../core/checkers/watched/table.ts";
import { Watch } from "../../../core/checkers/watched/watch.ts";
import { systemClock } from "../../../core/log/clock.ts";
import type { ProcSettings } from "../../../core/module/settings/errd.ts";
import { processes } from "../../../core/platform/linux/processes.ts";
import { makeTestFolder } from "../../folder.ts";

const [names, ofEach, looks, pollMs] = [50, 40, 10, 10_000];

/** One shell that has them all as its children: when it is killed, the kernel ends them. */
async function crowd(t: ExecutionContext): Promise<void> {
	const folder = makeTestFolder("crowd");
	mkdirSync(folder, { recursive: true });
	for (let name = 0; name < names; name++) copyFileSync("/bin/sleep", join(folder, `watched-${name}`));
	const script = `for i in $(seq ${ofEach}); do for n in $(seq 0 ${names - 1}); do ${folder}/watched-$n 600 "$i" & done; done; echo ready; wait`;
	const shell: ChildProcess = spawn("/bin/bash", ["-c", script], {
		stdio: ["ignore", "pipe", "inherit"],
		detached: true,
	});
	t.teardown(() => {
		if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL");
		rmSync(folder, { recursive: true, force: true });
	});
	if (shell.stdout !== null) await once(shell.stdout, "data");
}

/** Half plain names, a quarter with arguments, a quarter by expression. */
function procs(): ProcSettings[] {
	return Array.from({ length: names }, (_, name) => ({
		name: `watched-${name}`,
		resource: `proc.watched-${name}`,
		service: false,
		nameRegex: name % 4 === 3 ? `^watched-${name}$` : null,
		argRegex: name % 4 === 2 ? `watched-${name} 600 ${ofEach}$` : null,
		class: "prim",
		action: "noaction" as const,
		restartServices: null,
		skippedLooks: 0,
		atLeast: name % 2 === 0 ? 1 : ofEach,
		atMost: null,
	}));
}

test("50 watched names among 2,000 processes take no more than 1 % of a core", async (t) => {
	t.timeout(300_000);
	await crowd(t);
	const values = new Map<string, string>();
	const options = {
		clock: systemClock,
		table: new ProcessTable(processes),
		set: (resource: string, value: string) => void values.set(resource, value),
		log: () => {},
		act: () => true,
		handle: async () => true,
	};
	const watch = new Watch(options, { pollMs: 10_000_000, procs: procs() }, true);
	t.teardown(() => watch.detach());
	watch.enable("prim", true);
	// The last ones are on their way to their names.
	for (let tries = 0; tries < 100 && ![...values.values()].every((value) => value === "up"); tries++) {
		await sleep(600);
		await watch.look();
	}
	t.true(
		[...values.values()].every((value) => value === "up"),
		JSON.stringify([...values]),
	);
	const total = (await processes.names()).size;
	t.true(total >= names * ofEach);
	let usedMs = 0;
	for (let look = 0; look < looks; look++) {
		await sleep(600);
		const before = process.cpuUsage();
		await watch.look();
		const { user, system } = process.cpuUsage(before);
		usedMs += (user + system) / 1000;
	}
	const each = usedMs / looks;
	const percent = (each / pollMs) * 100;
	t.log(
		`${total} processes, ${names} watched: ${each.toFixed(1)} ms a look, ${percent.toFixed(2)} % of a core at polltimer=10`,
	);
	t.true(percent <= 1, `${percent} %`);
});
