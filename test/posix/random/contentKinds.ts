/** Operations on the content of open files, and locks. */
import { falloc, open, seek } from "../../../core/replication/errno.ts";
import { aligned, calls } from "./calls.ts";
import { type Kind, nameOf, type Result, type Side, shown, slots, sparseNames } from "./side.ts";

const scratch = Buffer.alloc(1 << 17);
const fills = Array.from({ length: 26 }, (_, n) => Buffer.alloc(1 << 17, 65 + n));

type Chosen = { slot: number; offset: number; length: number; data: Buffer; number: number };

/** On the file that is open in some place; offsets below 300,000, lengths below 20,000, now and then larger ones. */
function onFile(name: string, run: (fd: number, chosen: Chosen, side: Side) => Result, weight = 1): Kind {
	return {
		name,
		weight,
		choose: (c) => {
			const [slot, offset] = [c.below(slots), c.of([c.below(300_000), c.below(5000), c.below(64) * 4096])];
			const length = c.of([c.below(200), c.below(20_000), 4096, 1 + c.below(100_000)]);
			const data = c.of(fills).subarray(0, length);
			const chosen = { slot, offset, length, data, number: c.below(1 << 30) };
			return { text: `${slot} ${offset} ${length}`, run: (s) => s.onOpen(slot, (fd) => run(fd, chosen, s)) };
		},
	};
}

/** As onFile, not for what was opened with O_DIRECT. */
function onBuffered(name: string, run: (fd: number, chosen: Chosen, side: Side) => Result, weight = 1): Kind {
	return onFile(name, (fd, chosen, s) => (s.direct[chosen.slot] ? "direct" : run(fd, chosen, s)), weight);
}

function read(length: number, got: number, from: Buffer = scratch): Result {
	if (got < 0) return got;
	let sum = 0;
	for (let n = 0; n < got; n++) sum = (Math.imul(sum, 31) + from[n]!) | 0;
	return `${got} of ${length}: ${sum}`;
}

function allocate(name: string, mode: number): Kind {
	return onFile(name, (fd, { offset, length }) => calls.fallocate(fd, mode, offset, length));
}

/** Both from and to are open files of the worker. */
function between(name: string, run: (from: number, to: number, chosen: Chosen) => Result): Kind {
	return onBuffered(name, (fd, chosen, s) => {
		const other = chosen.number % slots;
		return s.direct[other] ? "direct" : s.onOpen(other, (to) => run(fd, to, chosen));
	});
}

function locking(name: string, commands: readonly number[]): Kind {
	return onFile(name, (fd, { offset, length, number }) =>
		calls.fcntlLock(fd, commands[number % commands.length]!, { kind: number % 3, start: offset, length }),
	);
}

/** Opens one of the sparse files for one call, so that nothing but these kinds changes them. */
function onSparse(name: string, run: (fd: number, offset: number, length: number) => Result): Kind {
	return {
		name,
		choose: (c) => {
			const [path, offset, length] = [c.of(sparseNames), c.below(2_000_000), 1 + c.below(200_000)];
			return {
				text: `${shown(path)} ${offset} ${length}`,
				run: (s) => {
					const fd = calls.openat(s.root, path, open.RDWR | open.CREAT | open.CLOEXEC, 0o666);
					if (fd < 0) return fd;
					const result = run(fd, offset, length);
					calls.close(fd);
					return result;
				},
			};
		},
	};
}

/** Where a directory's end is, and what may lie between, is each file system's own affair. */
function seeking(fd: number, offset: number, whence: number): Result {
	const stat = calls.stat(fd, "");
	if (typeof stat !== "number" && (stat.mode & 0o170000) === 0o040000) return "directory";
	return place(calls.lseek(fd, offset, whence));
}

const place = (result: number | bigint): Result => Number(result);

export const contentKinds: readonly Kind[] = [
	onBuffered("pwrite", (fd, { offset, data }) => calls.pwrite(fd, data, offset), 6),
	onBuffered("write", (fd, { data }) => calls.write(fd, data), 3),
	onBuffered("writev", (fd, { data }) => calls.writev(fd, data)),
	onBuffered("pwritev2 append", (fd, { data }) => calls.pwritev2(fd, data, 0, 16)),
	onBuffered("pwritev2 dsync", (fd, { offset, data }) => calls.pwritev2(fd, data, offset, 2)),
	onBuffered(
		"pwrite far",
		(fd, { data, number }) => calls.pwrite(fd, data.subarray(0, 9), 2 ** 53 - 1 - (number % 9)),
		1,
	),
	onBuffered(
		"pread",
		(fd, { offset, length }) => read(length, calls.pread(fd, scratch.subarray(0, length), offset)),
		4,
	),
	onBuffered("read", (fd, { length }) => read(length, calls.read(fd, scratch.subarray(0, length))), 2),
	onFile("pwrite aligned", (fd, { offset, data, number }) => {
		const length = 4096 * (1 + (number % 16));
		aligned.fill(data[0] ?? 1, 0, length);
		return calls.pwrite(fd, aligned.subarray(0, length), offset - (offset % 4096));
	}),
	onFile("pread aligned", (fd, { offset, number }) => {
		const length = 4096 * (1 + (number % 16));
		return read(length, calls.pread(fd, aligned.subarray(0, length), offset - (offset % 4096)), aligned);
	}),
	onFile("lseek set", (fd, { offset }) => seeking(fd, offset, seek.SET)),
	onFile("lseek current", (fd, { offset }) => seeking(fd, offset - 2500, seek.CUR)),
	onFile("lseek end", (fd, { offset }) => seeking(fd, -offset, seek.END)),
	onFile("ftruncate", (fd, { offset }) => calls.ftruncate(fd, offset), 2),
	{
		name: "truncate",
		choose: (c) => {
			const [path, size] = [nameOf(c), c.of([0, c.below(300_000), 4096])];
			return { text: `${shown(path)} ${size}`, run: () => calls.truncate(path, size) };
		},
	},
	allocate("fallocate", 0),
	allocate("fallocate keep size", falloc.KEEP_SIZE),
	allocate("fallocate punch hole", falloc.PUNCH_HOLE | falloc.KEEP_SIZE),
	allocate("fallocate zero range", falloc.ZERO),
	allocate("fallocate zero range, keep size", falloc.ZERO | falloc.KEEP_SIZE),
	allocate("fallocate without sense", falloc.PUNCH_HOLE),
	between("copy_file_range", (from, to, { offset, length, number }) =>
		calls.copyFileRange(from, BigInt(offset), to, BigInt(number % 200_000), length),
	),
	between("sendfile", (from, to, { offset, length }) => calls.sendfile(to, from, offset, length)),
	onFile("fsync", (fd) => calls.fsync(fd)),
	onFile("fdatasync", (fd) => calls.fdatasync(fd)),
	onFile("syncfs", (fd, { number }) => (number % 8 === 0 ? calls.syncfs(fd) : 0)),
	onFile("sync_file_range", (fd, { offset, length }) => calls.syncRange(fd, offset, length)),
	onFile("fadvise", (fd, { offset, length, number }) => calls.advise(fd, offset, length, number % 6)),
	onFile("mmap read", (fd) => mapped(fd, false)),
	onFile("mmap write and msync", (fd, { number }) => mapped(fd, true, number), 2),
	onFile("flock", (fd, { number }) => calls.flock(fd, [1, 2, 8][number % 3]! | 4), 2),
	locking("fcntl lock", [6]),
	locking("fcntl test lock", [5]),
	locking("open file description lock", [37, 36]),
	onSparse("sparse write", (fd, offset, length) => calls.pwrite(fd, scratch.subarray(0, length % 9000), offset)),
	onSparse("sparse punch", (fd, offset, length) =>
		calls.fallocate(fd, falloc.PUNCH_HOLE | falloc.KEEP_SIZE, offset, length),
	),
	onSparse("sparse truncate", (fd, offset) => calls.ftruncate(fd, offset)),
	onSparse("seek data", (fd, offset) => place(calls.lseek(fd, offset, seek.DATA))),
	onSparse("seek hole", (fd, offset) => place(calls.lseek(fd, offset, seek.HOLE))),
];

/** Only what is below the end of a regular file can be touched without a signal. */
function mapped(fd: number, writes: boolean, number = 0): Result {
	const stat = calls.stat(fd, "");
	if (typeof stat === "number") return stat;
	if ((stat.mode & 0o170000) !== 0o100000) return "not a file";
	const length = Math.min(stat.size, 50_000);
	if (length === 0) return "empty";
	return calls.mapped(fd, length, writes, (memory) => {
		if (writes) memory.fill(97 + (number % 26), number % length, Math.min(length, (number % length) + 3000));
		return read(length, length, memory);
	});
}
