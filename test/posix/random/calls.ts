/** System calls that only applications make, beside those of the product (core/replication/system.ts). */
import koffi from "koffi";
import { linuxSystem } from "../../../core/platform/linux/libc.ts";
import { native, orErrno, terminated } from "../../../core/platform/linux/native.ts";

const c = {
	fchdir: native("int fchdir(int)"),
	fchmodat: native("int fchmodat(int, const void *, uint32_t, int)"),
	fchmod: native("int fchmod(int, uint32_t)"),
	linkat: native("int linkat(int, const void *, int, const void *, int)"),
	truncate: native("int truncate(const void *, int64_t)"),
	faccessat: native("int faccessat(int, const void *, int, int)"),
	lsetxattr: native("int lsetxattr(const void *, const void *, const void *, uint64_t, int)"),
	lgetxattr: native("int64_t lgetxattr(const void *, const void *, void *, uint64_t)"),
	llistxattr: native("int64_t llistxattr(const void *, void *, uint64_t)"),
	lremovexattr: native("int lremovexattr(const void *, const void *)"),
	fsetxattr: native("int fsetxattr(int, const void *, const void *, uint64_t, int)"),
	fgetxattr: native("int64_t fgetxattr(int, const void *, void *, uint64_t)"),
	flock: native("int flock(int, int)"),
	fcntl: native("int fcntl(int, int, void *)"),
	dup: native("int dup(int)"),
	umask: native("uint32_t umask(uint32_t)"),
	sendfile: native("int64_t sendfile(int, int, void *, uint64_t)"),
	writev: native("int64_t writev(int, const void *, int)"),
	pwritev2: native("int64_t pwritev2(int, const void *, int, int64_t, int)"),
	advise: native("int posix_fadvise(int, int64_t, int64_t, int)"),
	syncRange: native("int sync_file_range(int, int64_t, int64_t, uint32_t)"),
	msync: native("int msync(void *, uint64_t, int)"),
	munmap: native("int munmap(void *, uint64_t)"),
	prctl: native("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)"),
};
const mmapAt = koffi.load("libc.so.6").func("void *mmap(void *, size_t, int, int, int, int64_t)");
const addressOf = (buffer: Buffer): bigint => koffi.address(buffer);

const value = Buffer.alloc(65_536);
const lockBuffer = Buffer.alloc(32);
const offsetBuffer = Buffer.alloc(8);

/** One entry for writev. */
function vector(data: Buffer): Buffer {
	const out = Buffer.alloc(16);
	out.writeBigUInt64LE(addressOf(data), 0);
	out.writeBigUInt64LE(BigInt(data.length), 8);
	return out;
}

/** Page-aligned memory, for O_DIRECT. */
export const aligned: Buffer = Buffer.from(koffi.view(mmapAt(null, 1 << 20, 3, 0x22, -1, 0), 1 << 20));

export interface Lock {
	kind: number;
	start: number;
	length: number;
}

/** Negative numbers are −errno, as in the product. Names are relative to the directory that `fchdir` has set. */
export const calls = {
	...linuxSystem,
	fchdir: (fd: number) => orErrno(c.fchdir(fd)),
	chmodAt: (name: Buffer, mode: number) => orErrno(c.fchmodat(-100, terminated(name), mode, 0)),
	fchmod: (fd: number, mode: number) => orErrno(c.fchmod(fd, mode)),
	link: (from: Buffer, to: Buffer) => orErrno(c.linkat(-100, terminated(from), -100, terminated(to), 0)),
	linkDescriptor: (fd: number, to: Buffer) =>
		orErrno(c.linkat(-100, terminated(`/proc/self/fd/${fd}`), -100, terminated(to), 0x400)),
	truncate: (name: Buffer, size: number) => orErrno(c.truncate(terminated(name), size)),
	access: (name: Buffer, how: number) => orErrno(c.faccessat(-100, terminated(name), how, 0x200)),
	setAttribute: (name: Buffer, attribute: string, data: Buffer, how: number) =>
		orErrno(c.lsetxattr(terminated(name), terminated(attribute), data, data.length, how)),
	getAttribute(name: Buffer, attribute: string, room: number): Buffer | number {
		const length = orErrno(c.lgetxattr(terminated(name), terminated(attribute), value, room));
		return length < 0 || room === 0 ? length : Buffer.from(value.subarray(0, length));
	},
	listAttributes(name: Buffer): Buffer | number {
		const length = orErrno(c.llistxattr(terminated(name), value, value.length));
		return length < 0 ? length : Buffer.from(value.subarray(0, length));
	},
	removeAttribute: (name: Buffer, attribute: string) =>
		orErrno(c.lremovexattr(terminated(name), terminated(attribute))),
	setOpenAttribute: (fd: number, attribute: string, data: Buffer) =>
		orErrno(c.fsetxattr(fd, terminated(attribute), data, data.length, 0)),
	getOpenAttribute(fd: number, attribute: string): Buffer | number {
		const length = orErrno(c.fgetxattr(fd, terminated(attribute), value, value.length));
		return length < 0 ? length : Buffer.from(value.subarray(0, length));
	},
	flock: (fd: number, how: number) => orErrno(c.flock(fd, how)),
	/** `command`: 5 F_GETLK, 6 F_SETLK, 36 F_OFD_GETLK, 37 F_OFD_SETLK. What GETLK found is told by its kind alone. */
	fcntlLock(fd: number, command: number, lock: Lock): number | string {
		lockBuffer.fill(0);
		lockBuffer.writeInt16LE(lock.kind, 0);
		lockBuffer.writeBigInt64LE(BigInt(lock.start), 8);
		lockBuffer.writeBigInt64LE(BigInt(lock.length), 16);
		const result = orErrno(c.fcntl(fd, command, lockBuffer));
		return result === 0 && (command === 5 || command === 36) ? `lock ${lockBuffer.readInt16LE(0)}` : result;
	},
	duplicate: (fd: number) => orErrno(c.dup(fd)),
	umask: (mask: number) => c.umask(mask),
	sendfile(to: number, from: number, offset: number, length: number): number {
		offsetBuffer.writeBigInt64LE(BigInt(offset));
		return orErrno(c.sendfile(to, from, offsetBuffer, length));
	},
	writev(fd: number, data: Buffer): number {
		return orErrno(c.writev(fd, Buffer.concat([vector(data), vector(data)]), 2));
	},
	/** `flags`: 2 RWF_DSYNC, 4 RWF_SYNC, 16 RWF_APPEND. */
	pwritev2: (fd: number, data: Buffer, offset: number, flags: number) =>
		orErrno(c.pwritev2(fd, vector(data), 1, offset, flags)),
	advise: (fd: number, offset: number, length: number, how: number) => -c.advise(fd, offset, length, how),
	syncRange: (fd: number, offset: number, length: number) => orErrno(c.syncRange(fd, offset, length, 7)),
	/** Maps the first `length` bytes, lets `use` at them, and syncs what it wrote. −errno when it cannot be mapped. */
	mapped(fd: number, length: number, writes: boolean, use: (memory: Buffer) => number | string): number | string {
		const memory = mmapAt(null, length, writes ? 3 : 1, 1, fd, 0);
		if (BigInt(koffi.address(memory)) === 0xffffffffffffffffn) return -koffi.errno();
		const result = use(Buffer.from(koffi.view(memory, length)));
		const synced = writes ? orErrno(c.msync(memory as never, length, 4)) : 0;
		c.munmap(memory as never, length);
		return synced < 0 ? synced : result;
	},
	/** /proc/self stays readable after the user was changed. */
	makeDumpable: () => orErrno(c.prctl(4, 1, 0, 0, 0)),
};
