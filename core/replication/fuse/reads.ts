/**
 * Reads of open files. What lies in the page cache is answered at once; what does not is read by another thread, which
 * answers the kernel itself, so that nothing else waits for the disk. A read has no order against changes that are
 * asked for while it goes on.
 */
import { errno } from "../errno.ts";
import { readFully } from "../local/readFully.ts";
import type { System } from "../system.ts";
import type { OpenFile } from "./handles.ts";
import { maxWrite, outHeaderSize, type Request } from "./protocol.ts";
import type { FuseSession } from "./session.ts";

export function read(s: FuseSession, r: Request) {
	const file = s.handles.get(r.body.readBigUInt64LE(0));
	if (file === undefined) return s.fail(r, errno.EBADF);
	const [offset, size] = [r.body.readBigUInt64LE(8), Math.min(r.body.readUInt32LE(16), maxWrite)];
	const into = s.device.reply.subarray(outHeaderSize, outHeaderSize + size);
	let length = readNow(s.system, file.fd, into, offset);
	if (length === -errno.EAGAIN) {
		if (readElsewhere(s, r, file, offset, size)) return;
		length = readFully(s.system, file.fd, into, offset);
	}
	if (length < 0) s.fail(r, length);
	else s.device.answerInPlace(r.unique, length);
	answered(s, file);
}

/** Opened on a primary, which this is no more: the kernel must not keep what it has just read. */
function answered(s: FuseSession, file: OpenFile) {
	if (!s.writable && !file.directIo) s.dropPages(file.ref);
}

/** −EAGAIN: not all of it is in memory. */
function readNow(system: System, fd: number, into: Buffer, offset: bigint): number {
	for (let done = 0; ; ) {
		const rest = done === 0 ? into : into.subarray(done);
		const got = system.preadNow(fd, rest, done === 0 ? offset : offset + BigInt(done));
		// A file system that cannot tell.
		if (got === -errno.EOPNOTSUPP) return readFully(system, fd, into, offset);
		if (got < 0) return got;
		done += got;
		// Fewer bytes than asked for: the end of the file, or of what is in memory.
		if (got === 0 || done === into.length) return done;
	}
}

/**
 * With descriptors of its own: the file may be closed, and the mount may go, before the disk answers. False: it has to
 * be done here.
 */
function readElsewhere(s: FuseSession, r: Request, file: OpenFile, offset: bigint, size: number): boolean {
	if (s.readers === null) return false;
	const [fd, to] = [s.system.dup(file.fd), s.system.dup(s.device.fd)];
	const close = (): void => {
		if (fd >= 0) s.system.close(fd);
		if (to >= 0) s.system.close(to);
	};
	const done = (): void => {
		close();
		answered(s, file);
	};
	const { unique } = r;
	if (fd < 0 || to < 0) {
		close();
		return false;
	}
	s.readers.run({ do: "read", fd, to, unique, offset, size }, done);
	return true;
}
