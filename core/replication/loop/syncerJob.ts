/** What syncer threads do: the calls that may take seconds, so that they do not stop reads and the peer link. */
import { errno } from "../errno.ts";
import { maxWrite, outHeaderSize, writeReplyHeader } from "../fuse/protocol.ts";
import { readFully } from "../local/readFully.ts";
import { alignedBuffer } from "../records/store.ts";
import type { FileCalls } from "../system.ts";

export type SyncerJob =
	| { do: "fsync" | "fdatasync" | "syncfs"; fd: number }
	/** Of whole blocks, into a file opened with O_DSYNC, perhaps O_DIRECT: durable when it is done. At most 64 KiB. */
	| { do: "write"; fd: number; bytes: Uint8Array; offset: number }
	/** Waits for write-back, which the data thread serves: so never from there. */
	| { do: "umount"; path: string; flags: number }
	/** Of a file, answered to the kernel over `to`, a connection to it. */
	| { do: "read"; fd: number; to: number; unique: bigint; offset: bigint; size: number }
	/** A notification to the kernel, which may wait for pages that the data thread must fill. */
	| { do: "notify"; fd: number; bytes: Uint8Array }
	/** Of a mount that may be dead or may never answer. */
	| { do: "statfs"; path: string }
	/** The thread is needed no more: its last. */
	| { do: "end" };

/** 0 or more, or −errno. */
export function doJob(system: FileCalls, job: Exclude<SyncerJob, { do: "end" }>): number {
	switch (job.do) {
		case "fsync":
			return system.fsync(job.fd);
		case "fdatasync":
			return system.fdatasync(job.fd);
		case "syncfs":
			return system.syncfs(job.fd);
		case "write":
			return writeDurably(system, job);
		case "umount":
			return system.umount(job.path, job.flags);
		case "read":
			return answerRead(system, job);
		case "notify":
			return system.write(job.fd, Buffer.from(job.bytes));
		case "statfs": {
			const stat = system.statfsPath(job.path);
			return typeof stat === "number" ? stat : 0;
		}
	}
}

/** Of one thread, made when it first reads. */
let reply: Buffer | null = null;

/** What the kernel does not take belongs to a request that was aborted: there is nobody to tell. */
function answerRead(system: FileCalls, { fd, to, unique, offset, size }: Extract<SyncerJob, { do: "read" }>): number {
	reply ??= Buffer.alloc(outHeaderSize + maxWrite);
	if (size > maxWrite) return -errno.EINVAL;
	const got = readFully(system, fd, reply.subarray(outHeaderSize, outHeaderSize + size), offset);
	const length = outHeaderSize + Math.max(0, got);
	writeReplyHeader(reply, unique, Math.min(0, got), length);
	return Math.min(0, system.write(to, reply.subarray(0, length)));
}

const mostBytes = 65_536;
/** Memory that O_DIRECT accepts; it is the same for all files of a thread. */
let aligned: Buffer | null = null;

function writeDurably(system: FileCalls, job: Extract<SyncerJob, { do: "write" }>): number {
	if (job.bytes.length > mostBytes) return -errno.EINVAL;
	aligned ??= alignedBuffer(system, job.fd, mostBytes) ?? Buffer.alloc(mostBytes);
	let written = -errno.EINVAL;
	for (let tries = 0; tries < 2 && written === -errno.EINVAL; tries++) {
		// The first file may have been one without O_DIRECT, to which any memory is good.
		if (tries > 0) aligned = alignedBuffer(system, job.fd, mostBytes) ?? aligned;
		aligned.set(job.bytes);
		written = system.pwrite(job.fd, aligned.subarray(0, job.bytes.length), job.offset);
	}
	if (written < 0) return written;
	return written === job.bytes.length ? 0 : -errno.ENOSPC;
}
