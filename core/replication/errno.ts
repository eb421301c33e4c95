/** Error numbers and flags of Linux, as its system calls and the FUSE protocol use them. */

export const errno = {
	EPERM: 1,
	ENOENT: 2,
	EINTR: 4,
	EIO: 5,
	EBADF: 9,
	EAGAIN: 11,
	ENOMEM: 12,
	EACCES: 13,
	EBUSY: 16,
	EEXIST: 17,
	EXDEV: 18,
	ENODEV: 19,
	ENOTDIR: 20,
	EISDIR: 21,
	EINVAL: 22,
	EMFILE: 24,
	ENOTTY: 25,
	ETXTBSY: 26,
	EFBIG: 27,
	ENOSPC: 28,
	ESPIPE: 29,
	EROFS: 30,
	EPIPE: 32,
	ERANGE: 34,
	ENAMETOOLONG: 36,
	ENOSYS: 38,
	ENOTEMPTY: 39,
	ELOOP: 40,
	ENODATA: 61,
	EOVERFLOW: 75,
	EOPNOTSUPP: 95,
	EADDRINUSE: 98,
	ECONNABORTED: 103,
	ECONNRESET: 104,
	ENOTCONN: 107,
	ETIMEDOUT: 110,
	ECONNREFUSED: 111,
	EHOSTUNREACH: 113,
	EINPROGRESS: 115,
	ESTALE: 116,
	EDQUOT: 122,
} as const;

/** `ENOENT` for 2 (also for −2); the number itself when it has no name here. */
export function errnoName(error: number): string {
	const number = Math.abs(error);
	return Object.entries(errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

/** Flags of open(2) and the *at calls. The four that differ between machines come from the platform (`System.flags`). */
export const open = {
	RDONLY: 0,
	WRONLY: 1,
	RDWR: 2,
	ACCMODE: 3,
	CREAT: 0o100,
	EXCL: 0o200,
	TRUNC: 0o1000,
	APPEND: 0o2000,
	NONBLOCK: 0o4000,
	DSYNC: 0o10000,
	CLOEXEC: 0o2000000,
	PATH: 0o10000000,
	/** To be given together with DIRECTORY. */
	TMPFILE: 0o20000000,
} as const;

export const at = {
	FDCWD: -100,
	SYMLINK_NOFOLLOW: 0x100,
	REMOVEDIR: 0x200,
	SYMLINK_FOLLOW: 0x400,
	EMPTY_PATH: 0x1000,
} as const;

/** Type bits of a mode. */
export const type = {
	MASK: 0o170000,
	SOCKET: 0o140000,
	LINK: 0o120000,
	FILE: 0o100000,
	BLOCK: 0o060000,
	DIRECTORY: 0o040000,
	CHARACTER: 0o020000,
	FIFO: 0o010000,
} as const;

export const rename = { NOREPLACE: 1, EXCHANGE: 2 } as const;
export const seek = { SET: 0, CUR: 1, END: 2, DATA: 3, HOLE: 4 } as const;
export const poll = { IN: 1, OUT: 4, ERR: 8, HUP: 16 } as const;
export const falloc = { KEEP_SIZE: 1, PUNCH_HOLE: 2, COLLAPSE: 8, ZERO: 16, INSERT: 32, UNSHARE: 64 } as const;
export const mountFlag = { NOSUID: 2, NODEV: 4, NOEXEC: 8 } as const;
export const umountFlag = { DETACH: 2, NOFOLLOW: 8 } as const;
