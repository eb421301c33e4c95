import { once } from "node:events";
import { Worker } from "node:worker_threads";
import test from "ava";

test("a thread that is raised runs before the others, which stay as they were", async (t) => {
	const file = new URL("../../core/platform/early.ts", import.meta.url);
	const code = `
		const { readFileSync, readdirSync } = require("node:fs");
		const { parentPort } = require("node:worker_threads");
		import(${JSON.stringify(file.href)}).then(({ raisePriority }) => {
			const raised = raisePriority();
			const threads = readdirSync("/proc/self/task").map((tid) => {
				const stat = readFileSync("/proc/self/task/" + tid + "/stat", "utf8");
				const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
				return { nice: Number(fields[16]), policy: Number(fields[38]), main: tid === String(process.pid) };
			});
			parentPort.postMessage({ raised, threads });
		});`;
	const worker = new Worker(code, { eval: true });
	t.teardown(() => worker.terminate());
	const [{ raised, threads }] = (await once(worker, "message")) as [
		{ raised: string; threads: { nice: number; policy: number; main: boolean }[] },
	];
	const before = threads.filter(({ nice, policy }) => policy !== 0 || nice < 0);
	t.is(before.length, raised === "normal" ? 0 : 1);
	t.false(before.some(({ main }) => main));
});
