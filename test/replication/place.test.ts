/** Only one replication process of a module runs, whoever starts it and whenever (design §8). */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { isPlaceTaken } from "../../core/replication/control/place.ts";
import { Pair } from "./pair.ts";

test.serial("a daemon that comes while the process of another is just starting finds that one", async (t) => {
	const pair = await Pair.make(t);
	const { a } = pair;
	await pair.up();
	await a.killProcess();
	t.false(isPlaceTaken(a.config.socket));
	// The first daemon dies before it hears of the process that it has started.
	const others = [a.newClient(), a.newClient()];
	await Promise.all(others.map((client) => client.start("/dev/null", true)));
	t.is(others[0]!.pid, others[1]!.pid);
	for (const client of others) client.release();
	await a.adopt();
	t.is(a.client.pid, others[0]!.pid);
	await pair.join(a, pair.b, "SERVING");
});

/** Of the replication processes that this one has started. */
function startedHere(): number[] {
	const children = readdirSync("/proc/self/task").flatMap((thread) =>
		readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim().split(" "),
	);
	const isProcess = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("/replication/process.ts");
	return children.filter((pid) => pid !== "" && isProcess(pid)).map(Number);
}

test.serial("on a machine that is busy for long a new process has the time to take the mounts over", async (t) => {
	t.timeout(90_000);
	const pair = await Pair.make(t, { lockTimeoutMs: 60_000 });
	const { a } = pair;
	await pair.up();
	await a.killProcess();
	const before = startedHere();
	const adopted = a.adopt();
	let late: number | undefined;
	for (let n = 0; n < 500 && late === undefined; n++) {
		await sleep(2);
		late = startedHere().find((pid) => !before.includes(pid));
	}
	process.kill(late!, "SIGSTOP");
	await sleep(21_000);
	process.kill(late!, "SIGCONT");
	await adopted;
	t.is(a.client.pid, late!);
	await pair.join(a, pair.b, "SERVING");
});
