/**
 * An application in a process of its own, whose every step fails when it is done twice or not at all: exclusive
 * creates, renames in a chain, exchanges, removals, appended lines, reads of what was written. Arguments: directory,
 * number, milliseconds between rounds (default 0). Ends at a line on stdin; says on stdout what it did and what went
 * wrong.
 */
import {
	closeSync,
	fstatSync,
	fsyncSync,
	linkSync,
	mkdirSync,
	openSync,
	readFileSync,
	readSync,
	renameSync,
	rmdirSync,
	symlinkSync,
	unlinkSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import { at, errno, errnoName, rename as how } from "../../core/replication/errno.ts";

export interface ChoresReport {
	steps: number;
	/** Lines whose write has returned. */
	lines: number;
	errors: string[];
	longestMs: number;
}

const [dir = "", number = "0", pauseMs = "0"] = process.argv.slice(2);
const own = join(dir, `chores${number}`);
const report: ChoresReport = { steps: 0, lines: 0, errors: [], longestMs: 0 };

/** The first one is known at once, whenever the rest ends. */
function wrong(what: string): void {
	if (report.errors.push(what) === 1) process.stdout.write("wrong\n");
}

function step<T>(what: string, run: () => T): T | null {
	const began = performance.now();
	try {
		return run();
	} catch (error) {
		wrong(`${what}: ${(error as Error).message}`);
		return null;
	} finally {
		report.longestMs = Math.max(report.longestMs, performance.now() - began);
		report.steps++;
	}
}

/** A system call that Node lacks. */
function call(what: string, run: () => number): void {
	step(what, () => {
		const result = run();
		if (result < 0) throw new Error(errnoName(result));
	});
}

const block = Buffer.alloc(64 * 1024);
const [createOnly, insertRange, collapseRange, pageBytes] = [1, 0x20, 0x08, 4096];
/** Not every file system below shifts the content of files. */
let shifts = true;

/** Names change places, and content moves on: what happens twice is back where it was, or moves too far. */
function places(n: number): void {
	const [left, right] = [join(own, `l${n}`), join(own, `r${n}`)];
	const fds = [left, right].map((path) => step("create", () => openSync(path, "wx+")));
	const fd = fds[0];
	if (fd === undefined || fd === null) return;
	step("write", () => writeSync(fd, "left"));
	call("exchange", () => system.renameat2(at.FDCWD, left, at.FDCWD, right, how.EXCHANGE));
	if (step("read", () => readFileSync(right, "utf8")) !== "left") wrong(`exchange: undone in round ${n}`);
	step("unlink", () => unlinkSync(left));
	call("rename to a free name", () => system.renameat2(at.FDCWD, right, at.FDCWD, left, how.NOREPLACE));
	call("new attribute", () => system.setxattr(fd, "user.once", Buffer.from(String(n)), createOnly));
	call("remove attribute", () => system.removexattr(fd, "user.once"));
	shift(fd, n);
	for (const each of fds) if (each !== null) step("close", () => closeSync(each));
	step("unlink", () => unlinkSync(left));
}

function shift(fd: number, n: number): void {
	if (!shifts) return;
	step("write", () => writeSync(fd, block, 0, 2 * pageBytes, 0));
	const result = step("insert range", () => system.fallocate(fd, insertRange, 0, pageBytes));
	shifts = result !== -errno.EOPNOTSUPP;
	if (!shifts) return;
	call("insert range", () => result ?? 0);
	const size = (): number | undefined => step("size", () => fstatSync(fd).size) ?? undefined;
	if (size() !== 3 * pageBytes) wrong(`insert range: ${size()} bytes in round ${n}`);
	call("collapse range", () => system.fallocate(fd, collapseRange, 0, pageBytes));
	if (size() !== 2 * pageBytes) wrong(`collapse range: ${size()} bytes in round ${n}`);
}

function round(n: number, lines: number): void {
	const [file, folder] = [join(own, `f${n}`), join(own, `d${n}`)];
	const fd = step("create", () => openSync(file, "wx+"));
	if (fd === null) return;
	block.fill(n & 0xff);
	step("write", () => writeSync(fd, block, 0, 1 + (n % block.length)));
	step("mkdir", () => mkdirSync(folder));
	step("rename", () => renameSync(file, join(folder, "a")));
	step("rename again", () => renameSync(join(folder, "a"), join(folder, "b")));
	step("link", () => linkSync(join(folder, "b"), join(folder, "c")));
	step("symlink", () => symlinkSync("b", join(folder, "s")));
	step("unlink", () => unlinkSync(join(folder, "b")));
	const back = Buffer.alloc(1 + (n % block.length));
	const length = step("read", () => readSync(fd, back, 0, back.length, 0));
	if (length !== null && (length !== back.length || !back.equals(block.subarray(0, back.length)))) {
		wrong(`read: other content in round ${n}`);
	}
	step("unlink the last name", () => unlinkSync(join(folder, "c")));
	step("write without a name", () => writeSync(fd, "x", 0));
	step("close", () => closeSync(fd));
	step("unlink symlink", () => unlinkSync(join(folder, "s")));
	if (n % 7 === 0) step("keep", () => mkdirSync(join(own, `kept${n}`)));
	step("rmdir", () => rmdirSync(folder));
	if (step("append", () => writeSync(lines, `${report.lines + 1}\n`)) !== null) report.lines++;
	if (n % 10 === 0) step("fsync", () => fsyncSync(lines));
}

mkdirSync(own);
const lines = openSync(join(own, "lines"), "a");
let stopped = false;
process.stdin.once("data", () => {
	stopped = true;
});
process.stdout.write("started\n");
for (let n = 0; !stopped && report.errors.length < 20; n++) {
	round(n, lines);
	places(n);
	await (pauseMs === "0" ? turn() : sleep(Number(pauseMs)));
}
closeSync(lines);
const text = readFileSync(join(own, "lines"), "utf8").split("\n");
for (let line = 1; line <= report.lines; line++) {
	if (text[line - 1] === String(line)) continue;
	wrong(`line ${line} is ${text[line - 1]}`);
	break;
}
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
