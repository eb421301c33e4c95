/**
 * Random calls, done on the mount and natively: every result must be the same, and at the end the trees, also the
 * one that was repeated from the operations. Prints the seed of a failure; SEED=… repeats it.
 */
import test, { type ExecutionContext } from "ava";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import { at, errnoName, falloc, open, rename } from "../../core/replication/errno.ts";
import { Mounted } from "../replication/fuse/mounted.ts";
import { compareTrees } from "../replication/treeCompare.ts";

/** Numbers below `n`, from a seed (mulberry32). */
function generator(seed: number): (n: number) => number {
	let state = seed >>> 0;
	return (n) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let x = Math.imul(state ^ (state >>> 15), state | 1);
		x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
		return ((x ^ (x >>> 14)) >>> 0) % n;
	};
}

/** One root with the descriptors that are open in it; both sides hold the same indices. */
interface Side {
	root: number;
	open: (number | null)[];
}

const names = ["a", "b", "d", "e", "d/a", "d/b", "e/a", "d/e", "e/d", "d/e/a", "x y", "é"];
const attributes = ["user.one", "user.two", "trusted.t", "security.s"];
const slots = 4;

/** A call with all its choices made, as text for messages and as what to do on one side. */
interface Step {
	text: string;
	run: (side: Side) => number | string;
}

function onPath(side: Side, path: string, use: (fd: number) => number | string): number | string {
	const fd = system.openat(side.root, path, open.PATH | system.flags.NOFOLLOW);
	if (fd < 0) return fd;
	const result = use(fd);
	system.close(fd);
	return result;
}

function onOpen(side: Side, slot: number, use: (fd: number) => number | string): number | string {
	const fd = side.open[slot];
	return fd === null || fd === undefined ? "closed" : use(fd);
}

function describe(side: Side, path: string): string | number {
	const stat = system.stat(side.root, path);
	if (typeof stat === "number") return stat;
	const size = (stat.mode & 0o170000) === 0o040000 ? "" : stat.size;
	return [stat.mode.toString(8), stat.nlink, stat.uid, stat.gid, size].join(" ");
}

function stepOf(pick: (n: number) => number): Step {
	const [path, other] = [names[pick(names.length)] as string, names[pick(names.length)] as string];
	const [slot, offset, length] = [pick(slots), pick(300_000), 1 + pick(20_000)];
	const attribute = attributes[pick(attributes.length)] as string;
	const data = Buffer.alloc(length, 65 + pick(26));
	const mode = pick(0o10000);
	const flags = [open.RDWR, open.RDONLY, open.WRONLY | open.APPEND, open.RDWR | open.TRUNC, open.RDWR | open.CREAT][
		pick(5)
	] as number;
	const steps: Step[] = [
		{ text: `mkdir ${path} ${mode.toString(8)}`, run: (s) => system.mkdirat(s.root, path, mode) },
		{ text: `rmdir ${path}`, run: (s) => system.unlinkat(s.root, path, at.REMOVEDIR) },
		{ text: `unlink ${path}`, run: (s) => system.unlinkat(s.root, path, 0) },
		{ text: `symlink ${path}`, run: (s) => system.symlinkat(other, s.root, path) },
		{ text: `mkfifo ${path}`, run: (s) => system.mknodat(s.root, path, 0o010000 | (mode & 0o777), 0) },
		{ text: `mknod ${path}`, run: (s) => system.mknodat(s.root, path, 0o100000 | (mode & 0o777), 0) },
		...[0, 0, 0, rename.NOREPLACE, rename.EXCHANGE].map((how) => ({
			text: `rename ${path} ${other} ${how}`,
			run: (s: Side) => system.renameat2(s.root, path, s.root, other, how),
		})),
		{ text: `link ${path} ${other}`, run: (s) => onPath(s, path, (fd) => system.linkFd(fd, s.root, other)) },
		{ text: `stat ${path}`, run: (s) => describe(s, path) },
		{ text: `chmod ${path} ${mode.toString(8)}`, run: (s) => onPath(s, path, (fd) => system.chmod(fd, mode)) },
		{ text: `chown ${path}`, run: (s) => onPath(s, path, (fd) => system.chown(fd, "", slot * 100, length)) },
		{
			text: `utimens ${path}`,
			run: (s) => onPath(s, path, (fd) => system.utimens(fd, "", BigInt(offset), BigInt(length) * 12_345_678_901n)),
		},
		{
			text: `setxattr ${path} ${attribute}`,
			run: (s) => onPath(s, path, (fd) => system.setxattr(fd, attribute, data.subarray(0, 40), 0)),
		},
		{
			text: `removexattr ${path} ${attribute}`,
			run: (s) => onPath(s, path, (fd) => system.removexattr(fd, attribute)),
		},
		{ text: `listxattr ${path}`, run: (s) => onPath(s, path, (fd) => sortedNames(system.listxattr(fd))) },
		{ text: `close ${slot}`, run: (s) => closeSlot(s, slot) },
		{ text: `fsync ${slot}`, run: (s) => onOpen(s, slot, (fd) => system.fsync(fd)) },
		...[0, 1, 2].map(() => ({
			text: `open ${slot} ${path} ${flags.toString(8)}`,
			run: (s: Side) => openSlot(s, slot, path, flags),
		})),
		...[0, 1, 2].map(() => ({
			text: `pwrite ${slot} ${offset} ${length}`,
			run: (s: Side) => onOpen(s, slot, (fd) => system.pwrite(fd, data, offset)),
		})),
		{ text: `write ${slot} ${length}`, run: (s) => onOpen(s, slot, (fd) => system.write(fd, data)) },
		{ text: `pread ${slot} ${offset} ${length}`, run: (s) => onOpen(s, slot, (fd) => readText(fd, offset, length)) },
		{ text: `ftruncate ${slot} ${offset}`, run: (s) => onOpen(s, slot, (fd) => system.ftruncate(fd, offset)) },
		{
			text: `fallocate ${slot} ${offset} ${length}`,
			run: (s) => onOpen(s, slot, (fd) => system.fallocate(fd, 0, offset, length)),
		},
		{
			text: `punch ${slot} ${offset} ${length}`,
			run: (s) => onOpen(s, slot, (fd) => system.fallocate(fd, falloc.PUNCH_HOLE | falloc.KEEP_SIZE, offset, length)),
		},
		{ text: `fstat ${slot}`, run: (s) => onOpen(s, slot, (fd) => describe({ root: fd, open: [] }, "")) },
	];
	return steps[pick(steps.length)] as Step;
}

function sortedNames(list: Buffer[] | number): number | string {
	return typeof list === "number"
		? list
		: list
				.map(String)
				.filter((name) => name !== "trusted.o")
				.sort()
				.join();
}

function closeSlot(side: Side, slot: number): number | string {
	return onOpen(side, slot, (fd) => {
		side.open[slot] = null;
		return system.close(fd);
	});
}

function openSlot(side: Side, slot: number, path: string, flags: number): number | string {
	closeSlot(side, slot);
	// Never a pipe: opening one waits for the other end.
	const fd = system.openat(side.root, path, flags | open.NONBLOCK | open.CLOEXEC, 0o644);
	side.open[slot] = fd < 0 ? null : fd;
	return fd < 0 ? fd : "opened";
}

function readText(fd: number, offset: number, length: number): number | string {
	const buffer = Buffer.alloc(length);
	const got = system.pread(fd, buffer, offset);
	return got < 0 ? got : `${got} ${buffer.toString("latin1", 0, got)}`;
}

async function compare(t: ExecutionContext, seed: number, count: number): Promise<void> {
	const mounted = new Mounted();
	t.teardown(() => mounted.clean());
	await mounted.start();
	const side = (path: string): Side => ({
		root: system.openat(at.FDCWD, path, open.RDONLY | system.flags.DIRECTORY),
		open: new Array(slots).fill(null),
	});
	const [left, right] = [side(mounted.dir), side(mounted.native)];
	const pick = generator(seed);
	const trail: string[] = [];
	for (let n = 0; n < count; n++) {
		const step = stepOf(pick);
		const [mine, native] = [step.run(left), step.run(right)];
		trail.push(step.text);
		if (mine !== native) {
			const named = (result: string | number) =>
				typeof result === "number" && result < 0 ? errnoName(result) : String(result).slice(0, 200);
			t.fail(
				`SEED=${seed} step ${n}: ${step.text}: ${named(mine)}, natively ${named(native)}\n${trail.slice(-12).join("\n")}`,
			);
			break;
		}
	}
	for (const s of [left, right]) {
		for (let slot = 0; slot < slots; slot++) closeSlot(s, slot);
		system.close(s.root);
	}
	t.deepEqual((await mounted.report()).problems, [], `SEED=${seed}`);
	await mounted.stop();
	system.syncfs(system.openat(at.FDCWD, mounted.base, open.RDONLY));
	t.deepEqual(compareTrees(mounted.dir, mounted.copy), [], `SEED=${seed}`);
	t.deepEqual(compareTrees(mounted.dir, mounted.native, { mtime: false }), [], `SEED=${seed}`);
}

test("random calls give the same results and the same trees", async (t) => {
	const given = process.env.SEED;
	const seeds = given === undefined ? [1, 2, 3, 4, 5, 6] : [Number(given)];
	for (const seed of seeds) await compare(t, seed, 1500);
});
