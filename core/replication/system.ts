/**
 * The system calls that replication needs and Node lacks, declared by their caller (design §1); implemented in
 * core/platform/linux/libc.ts. No call throws for an error of the operating system: a number below zero is −errno.
 * Calls that return data return it, or −errno. Names are bytes: they need not be UTF-8. All are synchronous and
 * block the calling thread; those that may take long (sync, umount) belong into a syncer thread (loop/syncers.ts).
 */

import type { MakeGcm } from "./wire/gcm.ts";

/** A path or a name without NUL bytes. */
export type Name = Buffer | string;
/** What a call returned, or −errno. */
export type Or<T> = T | number;

/** statx(2), times in nanoseconds since the epoch. */
export interface Stat {
	/** With type bits. */
	mode: number;
	nlink: number;
	uid: number;
	gid: number;
	ino: number;
	size: number;
	/** Of 512 bytes. */
	blocks: number;
	blksize: number;
	/** As mknod takes it, 32 bits. */
	rdev: number;
	/** Of the file system, as in /proc/self/mountinfo: `major:minor`. */
	dev: string;
	atimeNs: bigint;
	mtimeNs: bigint;
	ctimeNs: bigint;
}

/** statfs(2). */
export interface FileSystemStat {
	/** Magic number of the file system. */
	type: number;
	bsize: number;
	frsize: number;
	blocks: number;
	bfree: number;
	bavail: number;
	files: number;
	ffree: number;
	namelen: number;
	/** Mount flags: 2 nosuid, 4 nodev, 8 noexec. */
	flags: number;
}

/** One entry of getdents64(2). `type`: DT_* (4 directory, 8 file, 10 symlink, 0 unknown). `next`: where to seek to go on after it. */
export interface DirectoryEntry {
	name: Buffer;
	ino: bigint;
	type: number;
	next: bigint;
}

/** What open_by_handle_at(2) takes. */
export interface Handle {
	type: number;
	bytes: Buffer;
}

/** name_to_handle_at(2). */
export interface FoundHandle extends Handle {
	/** Id of the mount in which the file was found. */
	mount: number;
}

export interface FileCalls {
	/** What this process takes away from the mode of everything that it makes. */
	readonly umask: number;
	/** The open flags whose value differs between machines. */
	readonly flags: { DIRECTORY: number; NOFOLLOW: number; DIRECT: number; LARGEFILE: number; NOATIME: number };
	openat(dirfd: number, name: Name, flags: number, mode?: number): number;
	close(fd: number): number;
	dup(fd: number): number;
	read(fd: number, into: Buffer): number;
	write(fd: number, from: Buffer): number;
	pread(fd: number, into: Buffer, offset: number | bigint): number;
	/** As `pread`, but only what is in memory; −EAGAIN: nothing of it is. −EOPNOTSUPP: the file system cannot tell. */
	preadNow(fd: number, into: Buffer, offset: number | bigint): number;
	pwrite(fd: number, from: Buffer, offset: number | bigint): number;
	/** `name` empty: the descriptor itself. Never follows a symlink. */
	stat(dirfd: number, name: Name): Or<Stat>;
	/** As much of `stat` as every write asks for, at a third of its price. */
	times(fd: number): Or<Pick<Stat, "mode" | "atimeNs" | "mtimeNs">>;
	/** Of an open descriptor; O_PATH ones go through /proc. */
	chmod(fd: number, mode: number): number;
	/** −1 keeps. `name` empty: the descriptor itself. */
	chown(dirfd: number, name: Name, uid: number, gid: number): number;
	/** Nanoseconds; `"now"`; null keeps. `name` empty: the descriptor itself. */
	utimens(dirfd: number, name: Name, atimeNs: bigint | "now" | null, mtimeNs: bigint | "now" | null): number;
	mkdirat(dirfd: number, name: Name, mode: number): number;
	mknodat(dirfd: number, name: Name, mode: number, rdev: number): number;
	symlinkat(target: Name, dirfd: number, name: Name): number;
	readlinkat(dirfd: number, name: Name): Or<Buffer>;
	/** Links the file behind `fd` (also O_PATH) as `name`. */
	linkFd(fd: number, dirfd: number, name: Name): number;
	/** `flags`: at.REMOVEDIR. */
	unlinkat(dirfd: number, name: Name, flags: number): number;
	renameat2(from: number, name: Name, to: number, newName: Name, flags: number): number;
	ftruncate(fd: number, size: number | bigint): number;
	fallocate(fd: number, mode: number, offset: number | bigint, length: number | bigint): number;
	/** Offsets are given, the descriptors' own positions stay. Returns the bytes copied. */
	copyFileRange(from: number, fromOffset: bigint, to: number, toOffset: bigint, length: number): number;
	lseek(fd: number, offset: number | bigint, whence: number): number | bigint;
	/** Next entries from the descriptor's position; empty at the end. Includes `.` and `..`. */
	getdents(fd: number): Or<DirectoryEntry[]>;
	/** Works on O_PATH descriptors too, also of symlinks. */
	setxattr(fd: number, name: Name, value: Buffer, flags: number): number;
	getxattr(fd: number, name: Name): Or<Buffer>;
	/** Names, each without its NUL. */
	listxattr(fd: number): Or<Buffer[]>;
	removexattr(fd: number, name: Name): number;
	/** `name` empty: the descriptor itself. */
	nameToHandle(dirfd: number, name: Name): Or<FoundHandle>;
	openByHandle(mountFd: number, handle: Handle, flags: number): number;
	fsync(fd: number): number;
	fdatasync(fd: number): number;
	syncfs(fd: number): number;
	/** Clean pages of the range leave the cache: the next read is one of the disk. */
	forget(fd: number, offset: bigint, length: bigint): void;
	statfs(fd: number): Or<FileSystemStat>;
	statfsPath(path: Name): Or<FileSystemStat>;
	/** FS_IOC_GETVERSION: the inode's generation. */
	generation(fd: number): number;
	/** Ranges with blocks that were allocated but never written (fallocate), also behind the end of the file. */
	preallocated(fd: number): Or<{ offset: bigint; length: bigint }[]>;
	/** flock(2), exclusive and without waiting: 0, or −EAGAIN when another has it. */
	lock(fd: number): number;
	mount(source: Name, target: Name, type: Name, flags: number, data: Name): number;
	umount(target: Name, flags: number): number;
}

/** Numeric IPv4 or IPv6 address. */
export interface SocketAddress {
	address: string;
	port: number;
}

export interface SocketCalls {
	/** TCP, non-blocking, close-on-exec, TCP_NODELAY; `family` follows the address. */
	tcpSocket(address: string): number;
	bind(fd: number, to: SocketAddress): number;
	listen(fd: number, backlog: number): number;
	/** Non-blocking; −EAGAIN when nobody waits. */
	accept(fd: number): Or<{ fd: number; peer: SocketAddress }>;
	/** −EINPROGRESS: wait for poll.OUT, then ask `socketError`. */
	connect(fd: number, to: SocketAddress): number;
	/** The local address of a socket (to learn the port after bind to 0). */
	localAddress(fd: number): Or<SocketAddress>;
	/** SO_ERROR: 0, or the errno of an asynchronous connect as a negative number. */
	socketError(fd: number): number;
	/** Integer options; see socketOption. */
	setOption(fd: number, level: number, option: number, value: number): number;
	/** 0: the peer has closed. */
	recv(fd: number, into: Buffer): number;
	/** Never raises SIGPIPE. Returns the bytes taken. */
	send(fd: number, from: Buffer): number;
	/** 0 read, 1 write, 2 both. */
	shutdown(fd: number, how: number): number;
}

/** Levels and options for `setOption`. */
export const socketOption = {
	SOCKET: 1,
	TCP: 6,
	REUSEADDR: 2,
	SNDBUF: 7,
	RCVBUF: 8,
	KEEPALIVE: 9,
	TCP_NODELAY: 1,
	TCP_KEEPIDLE: 4,
	TCP_KEEPINTVL: 5,
	TCP_KEEPCNT: 6,
	TCP_USER_TIMEOUT: 18,
} as const;

export interface PolledDescriptor {
	fd: number;
	/** poll.IN | poll.OUT. */
	events: number;
	/** Filled by the call. */
	revents: number;
}

export interface ProcessCalls {
	/** Number of ready descriptors, 0 after `timeoutMs` (−1: for ever), −EINTR. The same array again means the same descriptors and events. */
	poll(descriptors: PolledDescriptor[], timeoutMs: number): number;
	/** Lets another thread have this core, if one waits for it. */
	yield(): number;
	/** A counter to wake a poll with: non-blocking, close-on-exec. */
	eventfd(): number;
	/** Adds to an eventfd. */
	wake(fd: number): number;
	/** Sets it back to zero. */
	drainWake(fd: number): number;
	/** The calling thread does little at a time, and should do it soon when it is woken. 0, or −errno. */
	takeShortTurns(): number;
	/** From now on the calling thread gets EDQUOT where a user would; or not any more, as root. 0, or −errno. */
	obeyQuotas(obey: boolean): number;
	/** PR_SET_IO_FLUSHER for the calling thread (replication.md §5.9). */
	setIoFlusher(): number;
}

/** What outlives a process (replication.md §5.9): memory without a file, and the descriptors of another process. */
export interface SharingCalls {
	/** A descriptor of `bytes` zeroed bytes of memory, close-on-exec. */
	memory(name: string, bytes: number): number;
	/** That memory, shared with all who map it. It stays mapped until the process ends. */
	map(fd: number, bytes: number): ArrayBuffer | number;
	/** A descriptor that means this process for good, and is readable (poll.IN) once it has ended. */
	pidfd(pid: number): number;
	/** A copy of descriptor `fd` of that process. */
	descriptorOf(pidfd: number, fd: number): number;
}

export interface CipherCalls {
	/** A cipher that works in place, fresh; null: node:crypto has to do. */
	gcm: MakeGcm;
}

export interface System extends CipherCalls, FileCalls, SocketCalls, ProcessCalls, SharingCalls {}
