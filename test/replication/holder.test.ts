/** The replication process dies (replication.md §5.9): the holder keeps the mount, a new process goes on with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { findHolderProcesses } from "../../core/replication/holder/holder.ts";
import type { ChoresReport } from "./chores.ts";
import { Pair } from "./pair.ts";

/** Never in this process: what has files open in a mount that waits can start no other process. */
class Chores {
	readonly #process: ChildProcess;
	readonly #lines: AsyncIterator<string>;
	/** After twenty errors it ends by itself. */
	readonly #ended: Promise<unknown>;

	constructor(dir: string, number: number) {
		const program = join(import.meta.dirname, "chores.ts");
		this.#process = spawn(process.execPath, ["--no-warnings", program, dir, String(number)], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
		this.#ended = once(this.#process, "exit");
		this.#process.stdin!.on("error", () => undefined);
	}

	async started(): Promise<void> {
		await this.#lines.next();
	}

	async stop(): Promise<ChoresReport> {
		this.#process.stdin!.write("\n");
		let line = "";
		while (!line.startsWith("{")) line = (await this.#lines.next()).value;
		await this.#ended;
		return JSON.parse(line) as ChoresReport;
	}
}

/** A serving pair whose primary's process is killed `kills` times under load. */
async function ordeal(t: ExecutionContext, pair: Pair, kills: number): Promise<ChoresReport[]> {
	const { a, b } = pair;
	await pair.up();
	const chores = [new Chores(a.dir, 0), new Chores(a.dir, 1)];
	await Promise.all(chores.map((one) => one.started()));
	let longest = 0;
	for (let round = 0; round < kills; round++) {
		await sleep(50 + Math.random() * 300);
		const from = performance.now();
		await a.killProcess();
		const records = await a.adopt();
		t.false(records.crashed);
		const mark = [a.facts.length, b.facts.length] as const;
		await pair.session(a, b, "SERVING");
		await a.ask({ order: "serve", term: pair.term, alone: false }, "serving");
		longest = Math.max(longest, performance.now() - from);
		await a.until("synced", mark[0]);
		await b.until("synced", mark[1]);
	}
	const reports = await Promise.all(chores.map((one) => one.stop()));
	t.log(`${reports.map(({ steps }) => steps).join(" + ")} steps, served again after ${Math.round(longest)} ms at most`);
	return reports;
}

/** They end a moment after the process said that it was closed. */
async function nothingHeld(t: ExecutionContext, { a, b }: Pair): Promise<void> {
	const left = () => [a, b].flatMap(({ config }) => findHolderProcesses(config.socket));
	for (let n = 0; n < 500 && left().length > 0; n++) await sleep(20);
	t.deepEqual(left(), []);
}

async function close({ a, b }: Pair): Promise<void> {
	await a.ask({ order: "seal" }, "sealed");
	await b.ask({ order: "close" }, "closed");
	await a.ask({ order: "close" }, "closed");
}

test.serial("the primary's process dies again and again: nothing fails, is lost, or is done twice", async (t) => {
	const pair = await Pair.make(t);
	for (const report of await ordeal(t, pair, 10)) t.deepEqual(report.errors, []);
	await close(pair);
	t.deepEqual(pair.differences(), []);
	for (const { dir } of [pair.a, pair.b]) t.deepEqual(readdirSync(join(dir, ".opensafe/open")), []);
	await nothingHeld(t, pair);
});

test.serial(
	"negative control: with intents forgotten the same chores find requests that were done twice",
	async (t) => {
		process.env.OPENSAFE_SABOTAGE = "no-intents";
		t.teardown(() => delete process.env.OPENSAFE_SABOTAGE);
		const errors: string[] = [];
		for (let round = 0; round < 4 && errors.length === 0; round++) {
			const pair = await Pair.make(t);
			for (const report of await ordeal(t, pair, 10)) errors.push(...report.errors);
			await Promise.all([pair.a.kill(), pair.b.kill()]);
		}
		t.log(errors[0]);
		t.regex(errors.join("\n"), /EEXIST|ENOENT/);
	},
);

test.serial("the holder dies: another one follows at once, and the next death of the process heals", async (t) => {
	const pair = await Pair.make(t);
	const { a } = pair;
	await pair.up();
	const { socket } = a.config;
	const held = async (not: number): Promise<number> => {
		for (let n = 0; n < 500; n++) {
			const found = findHolderProcesses(socket).filter((pid) => pid !== not);
			if (found[0] !== undefined) return found[0];
			await sleep(20);
		}
		throw new Error("no holder");
	};
	const first = await held(0);
	process.kill(first, "SIGKILL");
	const second = await held(first);
	const of = (pid: number | string, fd: string) => readlinkSync(`/proc/${pid}/fd/${fd}`);
	// Whatever started this test may have left descriptors open for everything that comes of it.
	const inherited = new Set(readdirSync("/proc/self/fd"));
	const fds = readdirSync(`/proc/${second}/fd`).filter((fd) => Number(fd) < 6 || !inherited.has(fd));
	t.deepEqual(fds.sort(), ["0", "1", "2", "3", "4", "5"], "three descriptors of the mount and nothing else");
	t.is(of(second, "5"), "/dev/fuse");
	await a.killProcess();
	await a.adopt();
	await pair.join(a, pair.b, "SERVING");
	t.deepEqual(findHolderProcesses(socket), [second]);
	await close(pair);
	await nothingHeld(t, pair);
});

test.serial("process and holder die together: the mount is lost, said, and stays as a fence", async (t) => {
	const pair = await Pair.make(t);
	const { a } = pair;
	await pair.up();
	await a.kill();
	await t.throwsAsync(() => a.adopt(), { message: /REPLICATION_HOLDER|nobody keeps them/ });
	t.throws(() => readdirSync(a.dir), { code: "ENOTCONN" });
});

test.serial("the secondary's process dies: its mount goes on read-only, and it is not promotable", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	await pair.up();
	await b.killProcess();
	const records = await b.adopt();
	t.true(records.crashed);
	t.true(readdirSync(b.dir).length >= 0);
	await t.throwsAsync(() => b.ask({ order: "promote" }, "promoted"), { message: /not promotable/ });
	await a.until("peerLost");
	await a.ask({ order: "sync" }, "synchronised");
	pair.term += 10;
	await a.ask({ order: "goAlone", term: pair.term }, "alone");
	await pair.join(a, b, "SERVING");
	await close(pair);
	t.deepEqual(pair.differences(), []);
});
