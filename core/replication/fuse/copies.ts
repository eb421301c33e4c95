/** copy_file_range between two files of the mount: what travels are the bytes (replication.md §5.2). */
import { errno } from "../errno.ts";
import type { Operation } from "../operation.ts";
import { afterChange, notChanged } from "./files.ts";
import { maxWrite, numberReply, offsetReply, opcode, type Request } from "./protocol.ts";
import type { FuseSession } from "./session.ts";
import { clearSetId } from "./setId.ts";

/**
 * Copies at most 1 MiB: callers ask again for the rest, as they must with any file system. Both descriptors are those
 * of the callers' own opens.
 */
export function copyFileRange(s: FuseSession, r: Request) {
	const from = s.handles.get(r.body.readBigUInt64LE(0));
	const to = s.handles.get(r.body.readBigUInt64LE(24));
	if (from === undefined || to === undefined) return s.fail(r, errno.EBADF);
	const [fromOffset, toOffset] = [r.body.readBigUInt64LE(8), r.body.readBigUInt64LE(32)];
	const asked = r.body.readBigUInt64LE(40);
	const data = Buffer.allocUnsafe(asked < BigInt(maxWrite) ? Number(asked) : maxWrite);
	const length = s.system.pread(from.fd, data, fromOffset);
	const written = length <= 0 ? length : s.system.pwrite(to.fd, data.subarray(0, length), toOffset);
	if (written === -errno.EIO || written === -errno.EROFS) s.sink.diskFailed(written);
	if (length < 0) return s.fail(r, length);
	if (written < 0) return notChanged(s, r, to.ref, to.fd, written);
	const operations: Operation[] = [];
	if (written > 0) {
		const { mtimeNs, mode } = afterChange(s.system, to.fd);
		operations.push({ op: "write", file: to.ref, offset: toOffset, data: data.subarray(0, written), mtimeNs });
		const cleared = r.uid === 0 ? null : clearSetId(s, r, to.fd, mode);
		if (cleared !== null) operations.push({ op: "setattr", file: to.ref, mode: cleared });
	}
	const local = s.locals.has(to.ref);
	const reply = r.opcode === opcode.COPY_FILE_RANGE ? numberReply(written) : offsetReply(written);
	const answer = () => s.device.answerWith(r.unique, reply);
	if (!to.synced || written === 0) return s.submit(r, local ? [] : operations, to.ref, answer, undefined, written);
	s.intents.applied(r.unique, written);
	// The kernel asks for no sync after this call, as it does after a write.
	if (!local) operations.push({ op: "sync", file: to.ref, dataOnly: true });
	const synced = (failed: number) => (failed === 0 ? answer() : s.fail(r, failed));
	s.submitThen(local ? [] : operations, to.ref, (failed) =>
		failed === 0 ? s.syncFile(to.ref, true, synced) : s.fail(r, failed),
	);
}
