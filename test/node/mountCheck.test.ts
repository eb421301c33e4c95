import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { MountCheck } from "../../core/node/mountCheck.ts";
import { compareTrees } from "../replication/treeCompare.ts";
import { dataPair } from "./dataPair.ts";
import type { Server } from "./server.ts";

/** Pid of the replication process of a server. */
function processOf(server: Server): number {
	const found = readdirSync("/proc").filter((pid) => {
		try {
			const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
			const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
			return words.includes("core/replication/process.ts") && variables.includes(`SAFEVAR=${server.safevar}`);
		} catch {
			return false;
		}
	});
	if (found.length !== 1) throw new Error(`${server.name} has ${found.length} replication processes`);
	return Number(found[0]);
}

async function together(n1: Server, n2: Server): Promise<void> {
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	n2.ok("second", "-m", "m");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
	n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
}

test.serial("a replication process that hangs: nobody waits for ever, and the other server takes over", async (t) => {
	const { n1, n2, dirs } = await dataPair(t, 'checktime="4s" checkintv="1s"', 5000);
	await together(n1, n2);
	writeFileSync(join(dirs[0], "before"), "acknowledged");
	process.kill(processOf(n1), "SIGSTOP");
	const writer = spawn("sh", ["-c", 'echo text > "$0/after"', dirs[0]], { stdio: "ignore" });
	const ended = once(writer, "exit");
	n2.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	t.not((await ended)[0], 0, "the application hears that its change is not done");
	t.is(readFileSync(join(dirs[1], "before"), "utf8"), "acknowledged");
	n1.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
	n2.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
	t.regex(
		n1.log("m"),
		/\| rfsplug \| E \| The replicated directories have not answered for 4000 ms \(checktime\)\n[\s\S]*\| heart \| C \| Resource rfs\.check set to down by rfscheck\n[\s\S]*\| heart \| C \| Action stopstart from failover rule rfs_check\n/,
	);
	t.is(n1.ok("get", "-m", "m", "-r", "rfs.check"), "up\n", "its mounts answer again");

	process.kill(processOf(n1), "SIGSTOP");
	await n1.until(() => n1.log("m").split("failover rule rfs_check").length === 3);
	writeFileSync(join(dirs[1], "meanwhile"), "the primary goes on");
	n1.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
	n2.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");

	process.kill(processOf(n1), "SIGSTOP");
	n1.ok("stop", "-m", "m");
	n1.ok("waitstop", "-m", "m", "--timeout", "60");
	n2.ok("stop", "-m", "m");
	n2.ok("waitstop", "-m", "m", "--timeout", "60");
	t.deepEqual(compareTrees(dirs[0], dirs[1]), []);
});

test.serial("negative control: with the default checktime the same process is waited for", async (t) => {
	const { n1, n2, dirs } = await dataPair(t, 'checkintv="1s"', 30_000);
	await together(n1, n2);
	const pid = processOf(n1);
	process.kill(pid, "SIGSTOP");
	await sleep(8000);
	t.is(n1.state("m"), "PRIM Ready");
	process.kill(pid, "SIGCONT");
	writeFileSync(join(dirs[0], "after"), "goes on");
	await n1.until(() => n1.state("m") === "PRIM Ready");
	t.is(processOf(n1), pid);
	t.notRegex(n1.log("m"), /rfs_check|checktime/);
});

test("one question at a time, and each is complained of once", async (t) => {
	let [asked, answer] = [0, (): void => {}];
	const silent: number[] = [];
	const check = new MountCheck(
		{ checkTimeMs: 100, checkIntervalMs: 20 },
		{
			ask() {
				asked++;
				return new Promise((resolve) => (answer = resolve));
			},
			silent: (forMs) => silent.push(forMs),
		},
	);
	check.start();
	t.teardown(() => check.stop());
	while (silent.length === 0) await sleep(20);
	await sleep(300);
	t.deepEqual([asked, silent], [1, [100]]);
	answer();
	while (asked < 2) await sleep(20);
	check.stop();
	await sleep(300);
	t.deepEqual(silent, [100], "what was asked before a stop counts for nothing");
});
