/**
 * One of the processes of the random test: does each step on the mount and then on the native disk, and stops at the
 * first difference. Arguments: the two directories, the user as JSON. Orders come as JSON lines.
 */
import { createInterface } from "node:readline";
import { at, errnoName, open } from "../../../core/replication/errno.ts";
import { calls } from "./calls.ts";
import { chooseStep } from "./kinds.ts";
import { Choices } from "./random.ts";
import { Side, slots } from "./side.ts";

export interface WorkerUser {
	uid: number;
	gid: number;
	groups: number[];
}

export interface WorkerOrder {
	/** The directory below both roots. */
	folder: string;
	seed: number;
	worker: number;
	/** Numbers of the steps to do. */
	steps: number[];
}

export interface WorkerAnswer {
	/** By kind: done, and failed (alike on both sides). */
	counts: Record<string, [number, number]>;
	difference: { step: number; text: string } | null;
	/** The last steps before a difference. */
	trail: string[];
}

const [mount = "", native = "", user = "{}"] = process.argv.slice(2);
const folders = new Map<string, [Side, Side]>();

function openFolder(root: string): (name: string) => Side {
	const fd = calls.openat(at.FDCWD, root, open.PATH | calls.flags.DIRECTORY | open.CLOEXEC);
	if (fd < 0) throw new Error(`${root}: ${errnoName(fd)}`);
	return (name) => new Side(calls.openat(fd, name, open.PATH | calls.flags.DIRECTORY | open.CLOEXEC));
}

const [left, right] = [openFolder(mount), openFolder(native)];

function become({ uid, gid, groups }: WorkerUser): void {
	if (uid === 0) return;
	process.setgroups?.(groups);
	process.setgid?.(gid);
	process.setuid?.(uid);
	calls.makeDumpable();
}

const named = (result: number | string): string =>
	typeof result === "number" && result < 0 ? errnoName(result) : String(result).slice(0, 300);

function obey(order: WorkerOrder): WorkerAnswer {
	const sides = folders.get(order.folder) ?? [left(order.folder), right(order.folder)];
	folders.set(order.folder, sides);
	const answer: WorkerAnswer = { counts: {}, difference: null, trail: [] };
	for (const number of order.steps) {
		const { kind, text, run } = chooseStep(new Choices(order.seed, order.worker, number));
		const [mine, theirs] = sides.map((side) => {
			calls.fchdir(side.root);
			return run(side);
		}) as [number | string, number | string];
		const count = answer.counts[kind] ?? [0, 0];
		answer.counts[kind] = count;
		count[0]++;
		if (typeof mine === "number" && mine < 0) count[1]++;
		answer.trail.push(`${order.worker}#${number} ${kind} ${text}: ${named(theirs)}`);
		if (answer.trail.length > 40) answer.trail.shift();
		if (mine === theirs) continue;
		const why = `${kind} ${text}: ${named(mine)} on the mount, ${named(theirs)} natively`;
		answer.difference = { step: number, text: why };
		break;
	}
	process.chdir("/");
	return answer;
}

become(JSON.parse(user) as WorkerUser);
createInterface({ input: process.stdin })
	.on("line", (line) => process.stdout.write(`${JSON.stringify(obey(JSON.parse(line) as WorkerOrder))}\n`))
	.on("close", () => {
		for (const [a, b] of folders.values()) {
			for (let slot = 0; slot < slots; slot++) for (const side of [a, b]) side.close(slot);
		}
		process.exit(0);
	});
