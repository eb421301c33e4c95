/** Nothing of a lab outlives its owner, however the owner dies; what is left on the disk goes with the next lab. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import { removeAbandoned } from "../../sdk/lab/state.ts";
import { labTest } from "./open.ts";

labTest("after kill -9 of its owner nothing of a lab is left within a second", {}, async (t, lab) => {
	const owner = spawn(process.execPath, [join(import.meta.dirname, "owner.ts")], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [line] = await once(owner.stdout.setEncoding("utf8"), "data");
	const { folder, address, marks } = JSON.parse(String(line)) as { folder: string; address: string; marks: string[] };
	const processes = async () => (await execa("ps", ["-eo", "args"])).stdout;
	for (const mark of marks) t.true((await processes()).includes(mark), mark);
	t.true((await execa("ip", ["-4", "addr"])).stdout.includes(address));

	owner.kill("SIGKILL");
	await once(owner, "exit");
	await lab.until("its processes and addresses are gone", 1000, async () => {
		const left = await processes();
		return !marks.some((mark) => left.includes(mark)) && !(await execa("ip", ["-4", "addr"])).stdout.includes(address);
	});
	t.false((await execa("cat", ["/proc/mounts"])).stdout.includes(folder));

	t.true(existsSync(folder), "the state folder is what is left");
	t.deepEqual(await removeAbandoned(), [basename(folder)]);
	t.false(existsSync(folder));
	t.true(existsSync(lab.folder), "the folder of a living lab stays");
	const groups = "/sys/fs/cgroup/unified";
	if (existsSync(groups)) t.false(readdirSync(groups).includes(basename(folder)));
});
