/** Runs the random test: several processes by turns and side by side, then full comparisons of all three trees. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { at, open, seek } from "../../../core/replication/errno.ts";
import { compareTrees } from "../../replication/treeCompare.ts";
import { calls } from "./calls.ts";
import { sparseNames } from "./side.ts";
import type { WorkerAnswer, WorkerOrder, WorkerUser } from "./worker.ts";

/** What is tested: a mounted directory, a native one, and where the replica is once it has everything. */
export interface Subject {
	mount: string;
	native: string;
	/** Waits until the replica has all that was done, and says where it is to be read. */
	replica(): Promise<string>;
	/** Anything that went wrong behind the scenes; empty when nothing did. */
	problems(): Promise<string[]>;
}

export interface RunOptions {
	seed: number;
	operations: number;
	/** Operations between two comparisons of the trees. */
	compareEvery: number;
	/** Only these steps, for making a failing run smaller: worker#number of each. */
	only?: ReadonlySet<string>;
	onProgress?: (done: number) => void;
}

export interface RunResult {
	operations: number;
	counts: Map<string, [number, number]>;
	/** What differed, with the steps before it. */
	difference: string | null;
	/** The last step that was done when it was found. */
	at: number;
}

/** Root twice, and two users that share a group. */
const users: readonly WorkerUser[] = [
	{ uid: 0, gid: 0, groups: [] },
	{ uid: 0, gid: 0, groups: [] },
	{ uid: 1234, gid: 4321, groups: [4321, 77] },
	{ uid: 1235, gid: 77, groups: [77] },
];
const folderNames: readonly string[] = ["shared", ...users.map((_, index) => `own${index}`)];
/** Steps that one process does in a row. */
const turn = 50;
/** Rounds after which the folders are emptied: what nobody may enter or change would fill them up in time. */
const emptiedEvery = 15;

class Worker {
	readonly #child: ChildProcess;
	readonly #waiting: ((answer: WorkerAnswer) => void)[] = [];
	#stderr = "";

	constructor({ mount, native }: Subject, user: WorkerUser) {
		const program = join(import.meta.dirname, "worker.ts");
		this.#child = spawn(process.execPath, [program, mount, native, JSON.stringify(user)]);
		this.#child.stderr?.on("data", (text) => {
			this.#stderr += text;
		});
		const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
		lines.on("line", (line) => this.#waiting.shift()?.(JSON.parse(line) as WorkerAnswer));
		this.#child.once("exit", () => {
			const difference = { step: -1, text: `the process ended: ${this.#stderr.slice(0, 2000)}` };
			for (const wake of this.#waiting.splice(0)) wake({ counts: {}, difference, trail: [] });
		});
	}

	ask(order: WorkerOrder): Promise<WorkerAnswer> {
		return new Promise((resolve) => {
			this.#waiting.push(resolve);
			this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
		});
	}

	end(): Promise<void> {
		return new Promise((resolve) => {
			if (this.#child.exitCode !== null) return resolve();
			this.#child.once("exit", () => resolve());
			this.#child.stdin?.end();
		});
	}
}

/** Every folder anew, and everyone may write there. */
function makeFolders(root: string): void {
	for (const name of folderNames) {
		mkdirSync(join(root, name));
		chmodSync(join(root, name), name === "shared" ? 0o1777 : 0o777);
	}
}

/** What is open stays open. */
function emptyFolders({ mount, native }: Subject): void {
	for (const root of [mount, native]) {
		for (const folder of folderNames) {
			for (const name of readdirSync(join(root, folder), { encoding: "buffer" })) {
				rmSync(Buffer.concat([Buffer.from(`${join(root, folder)}/`), name]), { recursive: true, force: true });
			}
		}
	}
}

/** Does what `options` say, and never leaves a process behind. */
export async function runRandom(subject: Subject, options: RunOptions): Promise<RunResult> {
	for (const root of [subject.mount, subject.native]) makeFolders(root);
	const workers = users.map((user) => new Worker(subject, user));
	const result: RunResult = { operations: 0, counts: new Map(), difference: null, at: 0 };
	try {
		let compared = 0;
		for (let round = 0; result.at < options.operations && result.difference === null; round++) {
			if (round % emptiedEvery === emptiedEvery - 1) emptyFolders(subject);
			await doRound(workers, options, round, result);
			result.at = (round + 1) * users.length * turn * 2;
			if (result.difference === null && result.at - compared >= options.compareEvery) {
				compared = result.at;
				result.difference = await compareAll(subject);
				options.onProgress?.(result.operations);
			}
		}
	} finally {
		await Promise.all(workers.map((worker) => worker.end()));
	}
	result.difference ??= await compareAll(subject);
	return result;
}

/** How often each kind was done, and how often it failed (as it must). */
export function countsOf({ counts }: RunResult): string {
	const lines = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
	return `${lines.length} kinds: ${lines.map(([kind, [done, failed]]) => `${kind} ${done} (${failed} failed)`).join(", ")}`;
}

/** Each in a folder of its own, all at once; then all in one folder, by turns. */
async function doRound(workers: Worker[], options: RunOptions, round: number, result: RunResult): Promise<void> {
	const order = (worker: number, part: number, folder: string): WorkerOrder => {
		const first = (round * 2 + part) * turn;
		const all = Array.from({ length: turn }, (_, index) => first + index);
		const steps = options.only === undefined ? all : all.filter((n) => options.only?.has(`${worker}#${n}`));
		return { folder, seed: options.seed, worker, steps };
	};
	const take = (answer: WorkerAnswer) => {
		for (const [kind, [done, failed]] of Object.entries(answer.counts)) {
			const count = result.counts.get(kind) ?? [0, 0];
			result.counts.set(kind, [count[0] + done, count[1] + failed]);
			result.operations += done;
		}
		if (answer.difference !== null) result.difference ??= `${answer.difference.text}\n${answer.trail.join("\n")}`;
	};
	const answers = await Promise.all(workers.map((worker, index) => worker.ask(order(index, 0, `own${index}`))));
	for (const answer of answers) take(answer);
	for (const [index, worker] of workers.entries()) {
		if (result.difference === null) take(await worker.ask(order(index, 1, "shared")));
	}
}

/** The first differences between the three trees, or null. */
async function compareAll(subject: Subject): Promise<string | null> {
	const fd = calls.openat(at.FDCWD, subject.mount, open.RDONLY | calls.flags.DIRECTORY);
	calls.syncfs(fd);
	calls.close(fd);
	const problems = await subject.problems();
	if (problems.length > 0) return `problems: ${problems.slice(0, 5).join("; ")}`;
	const native = compareTrees(subject.mount, subject.native, { mtime: false, blocks: false });
	if (native.length > 0) return `mount and native: ${native.slice(0, 5).join("; ")}`;
	const copy = await subject.replica();
	const replica = compareTrees(subject.mount, copy, { blocks: false });
	if (replica.length > 0) return `mount and replica: ${replica.slice(0, 5).join("; ")}`;
	for (const folder of folderNames) {
		for (const name of sparseNames) {
			const [here, there, local] = [subject.mount, copy, subject.native].map((root) =>
				holes(join(root, folder, String(name))),
			);
			if (here !== there) return `holes of ${folder}/${name}: ${here} and on the replica ${there}`;
			if (here !== local) return `holes of ${folder}/${name}: ${here} and natively ${local}`;
		}
	}
	return null;
}

function holes(path: string): string {
	const fd = calls.openat(at.FDCWD, path, open.RDONLY | open.CLOEXEC);
	if (fd < 0) return String(fd);
	const found: string[] = [];
	for (let offset = 0; ; ) {
		const data = Number(calls.lseek(fd, offset, seek.DATA));
		if (data < 0) break;
		offset = Number(calls.lseek(fd, data, seek.HOLE));
		found.push(`${data}-${offset}`);
	}
	calls.close(fd);
	return found.join(" ");
}
