/** System calls on files and mounts. Structures are read and written by hand: their layout is the kernel's ABI. */
import { readFileSync } from "node:fs";
import koffi from "koffi";
import type {
	DirectoryEntry,
	FileCalls,
	FileSystemStat,
	FoundHandle,
	Handle,
	Name,
	Or,
	Stat,
} from "../../replication/system.ts";
import { emptyName, native, orErrno, terminated } from "./native.ts";

const [atEmptyPath, atSymlinkNoFollow, atSymlinkFollow, fdcwd] = [0x1000, 0x100, 0x400, -100];
const arm = process.arch === "arm64";
const flags = {
	DIRECTORY: arm ? 0o40000 : 0o200000,
	NOFOLLOW: arm ? 0o100000 : 0o400000,
	DIRECT: arm ? 0o200000 : 0o40000,
	LARGEFILE: arm ? 0o400000 : 0o100000,
	NOATIME: 0o1000000,
};

/** Nobody changes it later; a thread cannot ask Node for it. */
const umask = Number.parseInt(/^Umask:\s*([0-7]+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "777", 8);

const c = {
	openat: native("int openat(int, const void *, int, uint32_t)"),
	close: native("int close(int)"),
	dup: native("int fcntl(int, int, long)"),
	read: native("int64_t read(int, void *, uint64_t)"),
	write: native("int64_t write(int, const void *, uint64_t)"),
	pread: native("int64_t pread(int, void *, uint64_t, int64_t)"),
	preadv2: native("int64_t preadv2(int, const void *, int, int64_t, int)"),
	pwrite: native("int64_t pwrite(int, const void *, uint64_t, int64_t)"),
	statx: native("int statx(int, const void *, int, uint32_t, void *)"),
	fchmod: native("int fchmod(int, uint32_t)"),
	chmod: native("int chmod(const void *, uint32_t)"),
	fchownat: native("int fchownat(int, const void *, uint32_t, uint32_t, int)"),
	utimensat: native("int utimensat(int, const void *, const void *, int)"),
	mkdirat: native("int mkdirat(int, const void *, uint32_t)"),
	mknodat: native("int mknodat(int, const void *, uint32_t, uint64_t)"),
	symlinkat: native("int symlinkat(const void *, int, const void *)"),
	readlinkat: native("int64_t readlinkat(int, const void *, void *, uint64_t)"),
	linkat: native("int linkat(int, const void *, int, const void *, int)"),
	unlinkat: native("int unlinkat(int, const void *, int)"),
	renameat2: native("int renameat2(int, const void *, int, const void *, uint32_t)"),
	ftruncate: native("int ftruncate(int, int64_t)"),
	fallocate: native("int fallocate(int, int, int64_t, int64_t)"),
	copyFileRange: native("int64_t copy_file_range(int, void *, int, void *, uint64_t, uint32_t)"),
	lseek: native("int64_t lseek(int, int64_t, int)"),
	getdents64: native("int64_t getdents64(int, void *, uint64_t)"),
	fsetxattr: native("int fsetxattr(int, const void *, const void *, uint64_t, int)"),
	fgetxattr: native("int64_t fgetxattr(int, const void *, void *, uint64_t)"),
	setxattr: native("int setxattr(const void *, const void *, const void *, uint64_t, int)"),
	getxattr: native("int64_t getxattr(const void *, const void *, void *, uint64_t)"),
	listxattr: native("int64_t listxattr(const void *, void *, uint64_t)"),
	removexattr: native("int removexattr(const void *, const void *)"),
	nameToHandle: native("int name_to_handle_at(int, const void *, void *, void *, int)"),
	openByHandle: native("int open_by_handle_at(int, const void *, int)"),
	fsync: native("int fsync(int)"),
	fdatasync: native("int fdatasync(int)"),
	syncfs: native("int syncfs(int)"),
	fadvise: native("int posix_fadvise(int, int64_t, int64_t, int)"),
	fstatfs: native("int fstatfs(int, void *)"),
	statfs: native("int statfs(const void *, void *)"),
	ioctl: native("int ioctl(int, unsigned long, void *)"),
	flock: native("int flock(int, int)"),
	mount: native("int mount(const void *, const void *, const void *, unsigned long, const void *)"),
	umount2: native("int umount2(const void *, int)"),
};

const pageBytes = 4096n;
const statBuffer = Buffer.alloc(256);
const timesBuffer = Buffer.alloc(32);
const textBuffer = Buffer.alloc(65536);
const listBuffer = Buffer.alloc(65536);
const directoryBuffer = Buffer.alloc(65536);
const offsets = [Buffer.alloc(8), Buffer.alloc(8)] as const;
const billion = 1_000_000_000n;

function stat(dirfd: number, name: Name): Or<Stat> {
	const empty = name.length === 0;
	const how = atSymlinkNoFollow | (empty ? atEmptyPath : 0);
	const result = orErrno(c.statx(dirfd, empty ? emptyName : terminated(name), how, 0x7ff, statBuffer));
	return result < 0 ? result : readStat(statBuffer);
}

const vector = Buffer.alloc(16);
const readNoWait = 8;
const addresses = new WeakMap<ArrayBufferLike, bigint>();

/** Memory of a buffer does not move. */
function addressOf(buffer: Buffer): bigint {
	let base = addresses.get(buffer.buffer);
	if (base === undefined) {
		base = BigInt(koffi.address(Buffer.from(buffer.buffer)));
		addresses.set(buffer.buffer, base);
	}
	return base + BigInt(buffer.byteOffset);
}

/** STATX_MODE, ATIME and MTIME. */
const timesMask = 0x62;

function times(fd: number): Or<Pick<Stat, "mode" | "atimeNs" | "mtimeNs">> {
	const result = orErrno(c.statx(fd, emptyName, atSymlinkNoFollow | atEmptyPath, timesMask, statBuffer));
	if (result < 0) return result;
	return { mode: statBuffer.readUInt16LE(28), atimeNs: time(statBuffer, 64), mtimeNs: time(statBuffer, 112) };
}

let lastDevice = { major: -1, minor: -1, text: "" };

function deviceText(major: number, minor: number): string {
	if (lastDevice.major !== major || lastDevice.minor !== minor) {
		lastDevice = { major, minor, text: `${major}:${minor}` };
	}
	return lastDevice.text;
}

function readStat(b: Buffer): Stat {
	const [major, minor] = [b.readUInt32LE(128), b.readUInt32LE(132)];
	return {
		mode: b.readUInt16LE(28),
		nlink: b.readUInt32LE(16),
		uid: b.readUInt32LE(20),
		gid: b.readUInt32LE(24),
		ino: Number(b.readBigUInt64LE(32)),
		size: Number(b.readBigInt64LE(40)),
		blocks: Number(b.readBigUInt64LE(48)),
		blksize: b.readUInt32LE(4),
		rdev: ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0,
		dev: deviceText(b.readUInt32LE(136), b.readUInt32LE(140)),
		atimeNs: time(b, 64),
		ctimeNs: time(b, 96),
		mtimeNs: time(b, 112),
	};
}

function time(b: Buffer, offset: number): bigint {
	return b.readBigInt64LE(offset) * billion + BigInt(b.readUInt32LE(offset + 8));
}

function writeTime(value: bigint | "now" | null, offset: number): void {
	if (typeof value !== "bigint") {
		timesBuffer.writeBigInt64LE(0n, offset);
		timesBuffer.writeBigInt64LE(value === "now" ? 0x3fffffffn : 0x3ffffffen, offset + 8);
		return;
	}
	const nanoseconds = ((value % billion) + billion) % billion;
	timesBuffer.writeBigInt64LE((value - nanoseconds) / billion, offset);
	timesBuffer.writeBigInt64LE(nanoseconds, offset + 8);
}

/** EBADF is what an O_PATH descriptor says: it is asked again by its path, which costs three times as much. */
function unlessPath(result: number, byPath: () => number): number {
	return result === -9 ? byPath() : result;
}

/** The path by which /proc leads to what a descriptor is open on, O_PATH and symlinks included. */
function procPath(fd: number): Buffer {
	return terminated(`/proc/self/fd/${fd}`);
}

function parseEntries(b: Buffer, length: number): DirectoryEntry[] {
	const entries: DirectoryEntry[] = [];
	for (let at = 0; at < length; ) {
		const size = b.readUInt16LE(at + 16);
		const end = b.indexOf(0, at + 19);
		entries.push({
			ino: b.readBigUInt64LE(at),
			next: b.readBigInt64LE(at + 8),
			type: b[at + 18] as number,
			name: Buffer.from(b.subarray(at + 19, end)),
		});
		at += size;
	}
	return entries;
}

function readFileSystemStat(b: Buffer): FileSystemStat {
	const word = (index: number) => Number(b.readBigUInt64LE(index * 8));
	return {
		type: word(0),
		bsize: word(1),
		blocks: word(2),
		bfree: word(3),
		bavail: word(4),
		files: word(5),
		ffree: word(6),
		namelen: word(8),
		frsize: word(9),
		flags: word(10),
	};
}

/** Copies what a call put into a shared buffer, or hands its error through. */
function taken(buffer: Buffer, length: number): Or<Buffer> {
	return length < 0 ? length : Buffer.from(buffer.subarray(0, length));
}

const descriptorCalls = {
	openat: (dirfd: number, name: Name, how: number, mode = 0) =>
		orErrno(c.openat(dirfd, terminated(name), how | flags.LARGEFILE, mode)),
	close: (fd: number) => orErrno(c.close(fd)),
	dup: (fd: number) => orErrno(c.dup(fd, 1030, 0)),
	read: (fd: number, into: Buffer) => orErrno(c.read(fd, into, into.length)),
	write: (fd: number, from: Buffer) => orErrno(c.write(fd, from, from.length)),
	pread: (fd: number, into: Buffer, offset: number | bigint) => orErrno(c.pread(fd, into, into.length, offset)),
	preadNow(fd: number, into: Buffer, offset: number | bigint): number {
		vector.writeBigUInt64LE(addressOf(into), 0);
		vector.writeBigUInt64LE(BigInt(into.length), 8);
		return orErrno(c.preadv2(fd, vector, 1, offset, readNoWait));
	},
	pwrite: (fd: number, from: Buffer, offset: number | bigint) => orErrno(c.pwrite(fd, from, from.length, offset)),
	ftruncate: (fd: number, size: number | bigint) => orErrno(c.ftruncate(fd, size)),
	fallocate: (fd: number, mode: number, offset: number | bigint, length: number | bigint) =>
		orErrno(c.fallocate(fd, mode, offset, length)),
	copyFileRange(from: number, fromOffset: bigint, to: number, toOffset: bigint, length: number): number {
		offsets[0].writeBigInt64LE(fromOffset);
		offsets[1].writeBigInt64LE(toOffset);
		return orErrno(c.copyFileRange(from, offsets[0], to, offsets[1], length, 0));
	},
	lseek: (fd: number, offset: number | bigint, whence: number) => orErrno(c.lseek(fd, offset, whence)),
	getdents(fd: number): Or<DirectoryEntry[]> {
		const length = orErrno(c.getdents64(fd, directoryBuffer, directoryBuffer.length));
		return length < 0 ? length : parseEntries(directoryBuffer, length);
	},
	fsync: (fd: number) => orErrno(c.fsync(fd)),
	fdatasync: (fd: number) => orErrno(c.fdatasync(fd)),
	syncfs: (fd: number) => orErrno(c.syncfs(fd)),
	/** POSIX_FADV_DONTNEED keeps pages that lie only partly in the range, so it is widened to whole ones. */
	forget(fd: number, offset: bigint, length: bigint): void {
		const from = (offset / pageBytes) * pageBytes;
		c.fadvise(fd, from, ((offset + length - from) / pageBytes + 1n) * pageBytes, 4);
	},
	statfs(fd: number): Or<FileSystemStat> {
		const result = orErrno(c.fstatfs(fd, statBuffer));
		return result < 0 ? result : readFileSystemStat(statBuffer);
	},
	generation(fd: number): number {
		const result = orErrno(c.ioctl(fd, 0x80087601, statBuffer));
		return result < 0 ? result : statBuffer.readUInt32LE(0);
	},
	/** FS_IOC_FIEMAP, 64 extents a call; the flags are LAST (1) and UNWRITTEN (0x800). */
	preallocated(fd: number): Or<{ offset: bigint; length: bigint }[]> {
		const found: { offset: bigint; length: bigint }[] = [];
		const map = Buffer.alloc(32 + 64 * 56);
		for (let start = 0n, isLast = false; !isLast && found.length < 100_000; ) {
			map.fill(0, 0, 32);
			map.writeBigUInt64LE(start, 0);
			map.writeBigUInt64LE(0xffffffffffffffffn - start, 8);
			map.writeUInt32LE(64, 24);
			const result = orErrno(c.ioctl(fd, 0xc020660b, map));
			if (result < 0) return result;
			const count = map.readUInt32LE(20);
			for (let at = 32; at < 32 + count * 56; at += 56) {
				const [offset, length, flags] = [
					map.readBigUInt64LE(at),
					map.readBigUInt64LE(at + 16),
					map.readUInt32LE(at + 40),
				];
				if ((flags & 0x800) !== 0) found.push({ offset, length });
				isLast = (flags & 1) !== 0;
				start = offset + length;
			}
			isLast ||= count === 0;
		}
		return found;
	},
	lock: (fd: number) => orErrno(c.flock(fd, 2 | 4)),
};

const nameCalls = {
	stat,
	times,
	chmod: (fd: number, mode: number) =>
		unlessPath(orErrno(c.fchmod(fd, mode)), () => orErrno(c.chmod(procPath(fd), mode))),
	chown: (dirfd: number, name: Name, uid: number, gid: number) =>
		orErrno(
			c.fchownat(
				dirfd,
				terminated(name),
				uid >>> 0,
				gid >>> 0,
				atSymlinkNoFollow | (name.length === 0 ? atEmptyPath : 0),
			),
		),
	utimens(dirfd: number, name: Name, atimeNs: bigint | "now" | null, mtimeNs: bigint | "now" | null): number {
		writeTime(atimeNs, 0);
		writeTime(mtimeNs, 16);
		const how = atSymlinkNoFollow | (name.length === 0 ? atEmptyPath : 0);
		return orErrno(c.utimensat(dirfd, terminated(name), timesBuffer, how));
	},
	mkdirat: (dirfd: number, name: Name, mode: number) => orErrno(c.mkdirat(dirfd, terminated(name), mode)),
	mknodat: (dirfd: number, name: Name, mode: number, rdev: number) =>
		orErrno(c.mknodat(dirfd, terminated(name), mode, rdev)),
	symlinkat: (target: Name, dirfd: number, name: Name) =>
		orErrno(c.symlinkat(terminated(target), dirfd, terminated(name))),
	readlinkat: (dirfd: number, name: Name): Or<Buffer> =>
		taken(textBuffer, orErrno(c.readlinkat(dirfd, terminated(name), textBuffer, textBuffer.length))),
	linkFd: (fd: number, dirfd: number, name: Name) =>
		orErrno(c.linkat(fdcwd, procPath(fd), dirfd, terminated(name), atSymlinkFollow)),
	unlinkat: (dirfd: number, name: Name, how: number) => orErrno(c.unlinkat(dirfd, terminated(name), how)),
	renameat2: (from: number, name: Name, to: number, newName: Name, how: number) =>
		orErrno(c.renameat2(from, terminated(name), to, terminated(newName), how)),
};

const attributeCalls = {
	setxattr(fd: number, name: Name, value: Buffer, how: number): number {
		const text = terminated(name);
		return unlessPath(orErrno(c.fsetxattr(fd, text, value, value.length, how)), () =>
			orErrno(c.setxattr(procPath(fd), text, value, value.length, how)),
		);
	},
	getxattr(fd: number, name: Name): Or<Buffer> {
		const text = terminated(name);
		const length = unlessPath(orErrno(c.fgetxattr(fd, text, textBuffer, textBuffer.length)), () =>
			orErrno(c.getxattr(procPath(fd), text, textBuffer, textBuffer.length)),
		);
		return taken(textBuffer, length);
	},
	listxattr(fd: number): Or<Buffer[]> {
		const length = orErrno(c.listxattr(procPath(fd), listBuffer, listBuffer.length));
		if (length < 0) return length;
		const names: Buffer[] = [];
		for (let start = 0; start < length; ) {
			const end = listBuffer.indexOf(0, start);
			names.push(Buffer.from(listBuffer.subarray(start, end)));
			start = end + 1;
		}
		return names;
	},
	removexattr: (fd: number, name: Name) => orErrno(c.removexattr(procPath(fd), terminated(name))),
};

const handleBuffer = Buffer.alloc(8 + 128);
const mountIdBuffer = Buffer.alloc(8);

const handleCalls = {
	nameToHandle(dirfd: number, name: Name): Or<FoundHandle> {
		handleBuffer.writeUInt32LE(128, 0);
		const how = name.length === 0 ? atEmptyPath : 0;
		const result = orErrno(c.nameToHandle(dirfd, terminated(name), handleBuffer, mountIdBuffer, how));
		if (result < 0) return result;
		const length = handleBuffer.readUInt32LE(0);
		const bytes = Buffer.from(handleBuffer.subarray(8, 8 + length));
		return { type: handleBuffer.readInt32LE(4), bytes, mount: mountIdBuffer.readInt32LE(0) };
	},
	openByHandle(mountFd: number, handle: Handle, how: number): number {
		handleBuffer.writeUInt32LE(handle.bytes.length, 0);
		handleBuffer.writeInt32LE(handle.type, 4);
		handle.bytes.copy(handleBuffer, 8);
		return orErrno(c.openByHandle(mountFd, handleBuffer, how | flags.LARGEFILE));
	},
	statfsPath(path: Name): Or<FileSystemStat> {
		const result = orErrno(c.statfs(terminated(path), statBuffer));
		return result < 0 ? result : readFileSystemStat(statBuffer);
	},
	mount: (source: Name, target: Name, type: Name, how: number, data: Name) =>
		orErrno(c.mount(terminated(source), terminated(target), terminated(type), how, terminated(data))),
	umount: (target: Name, how: number) => orErrno(c.umount2(terminated(target), how)),
};

/** Buffers are shared within a thread: no call is re-entered, since none calls back. */
export const fileCalls: FileCalls = {
	flags,
	umask,
	...descriptorCalls,
	...nameCalls,
	...attributeCalls,
	...handleCalls,
};
