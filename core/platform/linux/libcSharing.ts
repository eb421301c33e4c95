/** Memory and descriptors that outlive the process which made them. */
import koffi from "koffi";
import type { SharingCalls } from "../../replication/system.ts";
import { native, orErrno, terminated } from "./native.ts";

const c = {
	memfd: native("int memfd_create(const void *, uint32_t)"),
	ftruncate: native("int ftruncate(int, int64_t)"),
	pidfdOpen: native("int pidfd_open(int, uint32_t)"),
	pidfdGet: native("int pidfd_getfd(int, int, uint32_t)"),
};
const mmap = koffi.load("libc.so.6").func("void *mmap(void *, uint64_t, int, int, int, int64_t)") as unknown as (
	...values: unknown[]
) => bigint;

const [closeOnExec, readWrite, shared] = [1, 3, 1];
const mapFailed = 0xffff_ffff_ffff_ffffn;

export const sharingCalls: SharingCalls = {
	memory(name: string, bytes: number): number {
		const fd = orErrno(c.memfd(terminated(name), closeOnExec));
		if (fd < 0) return fd;
		const result = orErrno(c.ftruncate(fd, bytes));
		return result < 0 ? result : fd;
	},
	map(fd: number, bytes: number): ArrayBuffer | number {
		const at = mmap(null, bytes, readWrite, shared, fd, 0);
		if (BigInt.asUintN(64, at) === mapFailed) return -koffi.errno();
		return (koffi as unknown as { view(at: bigint, bytes: number): ArrayBuffer }).view(at, bytes);
	},
	pidfd: (pid: number) => orErrno(c.pidfdOpen(pid, 0)),
	descriptorOf: (pidfd: number, fd: number) => orErrno(c.pidfdGet(pidfd, fd, 0)),
};
