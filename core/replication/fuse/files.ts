/** Requests on open files: read, write, sync, allocate. */
import { errno, falloc, open } from "../errno.ts";
import type { FileRef, Operation } from "../operation.ts";
import type { System } from "../system.ts";
import {
	fsyncDataOnly,
	numberReply,
	offsetReply,
	openReply,
	openReplyBody,
	type Request,
	writeFlag,
} from "./protocol.ts";
import type { FuseSession } from "./session.ts";
import { clearSetId } from "./setId.ts";

/** How a file is opened underneath: never to append or to truncate, since offsets and sizes come with the requests. */
export function openFlags(system: System, flags: number): number {
	const writes = (flags & open.ACCMODE) !== open.RDONLY;
	return (writes ? open.RDWR : open.RDONLY) | (flags & system.flags.NOATIME);
}

/** On a secondary the content changes underneath, so the page cache is passed by. */
export function replyFlags(s: FuseSession, ref: FileRef): number {
	if (!s.writable) return openReply.DIRECT_IO;
	return s.pageCache.opened(ref) ? openReply.KEEP_CACHE : 0;
}

export function openFile(s: FuseSession, r: Request) {
	const [flags, ref] = [r.body.readUInt32LE(0), s.ref(r.node)];
	if ((flags & open.ACCMODE) !== open.RDONLY) {
		const gate = s.sink.gate();
		if (typeof gate === "number" && gate !== 0) return s.fail(r, gate);
	}
	const how = openFlags(s.system, flags);
	const fd = s.tree.open(ref, how);
	if (fd < 0) return s.fail(r, fd);
	const synced = (flags & open.DSYNC) !== 0;
	const handle = s.opened(r, { fd, ref, flags: how, directory: false, directIo: !s.writable, synced });
	if (handle < 0) return s.fail(r, handle);
	s.device.answerWith(r.unique, openReplyBody(handle, replyFlags(s, ref)));
}

export function write(s: FuseSession, r: Request) {
	const file = s.handles.get(r.body.readBigUInt64LE(0));
	if (file === undefined) return s.fail(r, errno.EBADF);
	const [offset, size] = [r.body.readBigUInt64LE(8), r.body.readUInt32LE(16)];
	const data = r.body.subarray(40, 40 + size);
	const written = writeAll(s.system, file.fd, data, offset);
	// ext4 turns read-only when its journal fails.
	if (written === -errno.EIO || written === -errno.EROFS) s.sink.diskFailed(written);
	if (written < 0) return notChanged(s, r, file.ref, file.fd, written);
	const { mtimeNs, mode } = afterChange(s.system, file.fd);
	const local = s.locals.has(file.ref);
	const operations: Operation[] = [];
	if (!local) {
		const sent = written === size ? data : data.subarray(0, written);
		operations.push({ op: "write", file: file.ref, offset, data: sent, mtimeNs });
	}
	if ((r.body.readUInt32LE(20) & writeFlag.KILL_SUIDGID) !== 0) {
		const cleared = clearSetId(s, r, file.fd, mode);
		if (cleared !== null && !local) operations.push({ op: "setattr", file: file.ref, mode: cleared });
	}
	// Past the page cache the kernel does not ask for the sync that O_SYNC wants; otherwise FSYNC follows.
	if (file.directIo && (r.body.readUInt32LE(32) & open.DSYNC) !== 0 && !local) {
		operations.push({ op: "sync", file: file.ref, dataOnly: true });
		s.intents.applied(r.unique, written);
		return s.submitThen(operations, file.ref, (failed) =>
			failed === 0 ? s.syncFile(file.ref, true, (error) => answerWritten(s, r, error, written)) : s.fail(r, failed),
		);
	}
	s.submit(r, operations, file.ref, () => answerWritten(s, r, 0, written), undefined, written);
}

/**
 * What a file looks like after it was changed. A change that has happened is sent in any case, so when the disk fails
 * here, the time is the clock's.
 */
export function afterChange(system: System, fd: number): { mtimeNs: bigint; atimeNs: bigint; mode: number } {
	const stat = system.times(fd);
	if (typeof stat !== "number") return stat;
	const now = nowNs();
	return { mtimeNs: now, atimeNs: now, mode: 0 };
}

/** The clock's time, for when the disk does not tell. */
export function nowNs(): bigint {
	return BigInt(Date.now()) * 1_000_000n;
}

/** A change failed. On a full disk it may have set the time all the same, or grown the file: the peer gets that. */
export function notChanged(s: FuseSession, r: Request, ref: FileRef, fd: number, failed: number): void {
	const isFull = failed === -errno.ENOSPC || failed === -errno.EDQUOT;
	const stat = isFull && !s.locals.has(ref) ? s.system.stat(fd, "") : failed;
	if (typeof stat === "number") {
		s.fail(r, failed);
		return;
	}
	const size = BigInt(stat.size);
	s.submit(r, [{ op: "truncate", file: ref, size, mtimeNs: stat.mtimeNs }], ref, () => s.fail(r, failed));
}

function answerWritten(s: FuseSession, r: Request, failed: number, written: number) {
	if (failed === 0) s.device.answerWith(r.unique, numberReply(written));
	else s.fail(r, failed);
}

/** The bytes written: fewer only when an error follows them, −errno when there are none. */
function writeAll(system: System, fd: number, data: Buffer, offset: bigint): number {
	let done = 0;
	do {
		const rest = done === 0 ? data : data.subarray(done);
		const written = system.pwrite(fd, rest, done === 0 ? offset : offset + BigInt(done));
		if (written < 0) return done > 0 ? done : written;
		if (written === 0) break;
		done += written;
	} while (done < data.length);
	return done;
}

/** Answered when both disks have it (replication.md §5.1). On a secondary, and for local files, this disk counts. */
export function fsync(s: FuseSession, r: Request) {
	const file = s.handles.get(r.body.readBigUInt64LE(0));
	const ref = file?.ref ?? s.ref(r.node);
	const dataOnly = (r.body.readUInt32LE(8) & fsyncDataOnly) !== 0;
	const gate = s.locals.has(ref) ? errno.EROFS : s.sink.gate();
	if (gate !== 0 && gate !== errno.EROFS) return s.fail(r, typeof gate === "number" ? gate : errno.EIO);
	let waiting = 2;
	let failed = 0;
	const one = (result: number) => {
		failed ||= result;
		if (--waiting === 0) s.device.answer(r.unique, failed);
	};
	if (gate === 0) s.sink.submit({ op: "sync", file: ref, dataOnly }, one);
	else one(0);
	s.syncFile(ref, dataOnly, one, file?.fd);
}

export function fallocate(s: FuseSession, r: Request) {
	const file = s.handles.get(r.body.readBigUInt64LE(0));
	if (file === undefined) return s.fail(r, errno.EBADF);
	const [offset, length, mode] = [r.body.readBigUInt64LE(8), r.body.readBigUInt64LE(16), r.body.readUInt32LE(24)];
	// Inserting or collapsing a range twice would do it twice: the size tells.
	const size = (mode & (falloc.INSERT | falloc.COLLAPSE)) === 0 ? null : s.system.stat(file.fd, "");
	if (size !== null && typeof size !== "number") s.intents.begin(r.unique, { file: file.ref, size: size.size });
	const result = s.system.fallocate(file.fd, mode, offset, length);
	if (result < 0) return notChanged(s, r, file.ref, file.fd, result);
	const { mtimeNs, mode: bits } = afterChange(s.system, file.fd);
	const operations: Operation[] = [{ op: "fallocate", file: file.ref, mode, offset, length, mtimeNs }];
	const cleared = r.uid === 0 ? null : clearSetId(s, r, file.fd, bits);
	if (cleared !== null) operations.push({ op: "setattr", file: file.ref, mode: cleared });
	s.submit(r, s.locals.has(file.ref) ? [] : operations, file.ref, () => s.device.answer(r.unique, 0));
}

/** SEEK_DATA and SEEK_HOLE. */
export function lseek(s: FuseSession, r: Request) {
	const file = s.handles.get(r.body.readBigUInt64LE(0));
	if (file === undefined) return s.fail(r, errno.EBADF);
	const offset = s.system.lseek(file.fd, r.body.readBigUInt64LE(8), r.body.readUInt32LE(16));
	if (offset < 0) s.fail(r, Number(offset));
	else s.device.answerWith(r.unique, offsetReply(offset));
}

/** The last close of a file without a name removes it. Nobody waits for the answer. */
export function release(s: FuseSession, r: Request) {
	// Answered first: a number that is free may be given away before this request comes again after a death.
	s.device.answer(r.unique, 0);
	const file = s.handles.remove(r.body.readBigUInt64LE(0));
	if (file === undefined) return;
	s.system.close(file.fd);
	if (s.kept.has(file.ref) && !s.handles.isOpen(file.ref)) dropKept(s, file.ref);
}

export function dropKept(s: FuseSession, ref: FileRef) {
	// Asked now: the kernel forgets the file after this.
	const local = s.locals.has(ref);
	const gate = local ? 0 : s.sink.gate();
	if (gate === "park") {
		s.deferred.push(() => dropKept(s, ref));
		return;
	}
	s.kept.delete(ref);
	s.tree.dropKept(ref);
	// On a secondary, or after the module failed, the peer's folder is emptied by its next start instead.
	if (!local && gate === 0) s.sink.submit({ op: "dropOpen", file: ref }, () => undefined);
}
