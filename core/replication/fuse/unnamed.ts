/** O_TMPFILE: files that begin without a name. They lie in `.opensafe/open` on both nodes until they are linked. */
import { type } from "../errno.ts";
import { makeUnnamed } from "../local/make.ts";
import type { Operation } from "../operation.ts";
import type { Or } from "../system.ts";
import { answerOpened, dressed, type MadeEntry, nodeOf } from "./names.ts";
import type { Request } from "./protocol.ts";
import type { FuseSession } from "./session.ts";

/** Makes and opens. Owner, mode and lists are those that a file of this directory would get. */
export function tmpfile(s: FuseSession, r: Request) {
	const parent = s.ref(r.node);
	const [flags, mode, umask] = [r.body.readUInt32LE(0), r.body.readUInt32LE(4), r.body.readUInt32LE(8)];
	const local = s.locals.has(parent);
	const made = s.inDirectory(parent, (parentFd): Or<MadeEntry> => {
		const making = dressed(s, r, parentFd, { mode: type.FILE | (mode & 0o7777), umask, rdev: 0 });
		if (typeof making === "number") return making;
		const id = local ? null : s.sink.nextId();
		const file = makeUnnamed(s.tree, { ...making, id });
		if (typeof file === "number") return file;
		s.kept.add(file.ref);
		const stat = s.stat(file.ref);
		if (typeof stat === "number") {
			s.kept.delete(file.ref);
			s.tree.dropKept(file.ref);
			s.system.close(file.fd);
			return stat;
		}
		const operations: Operation[] =
			id === null ? [] : [{ op: "makeUnnamed", file: file.ref, id, ...nodeOf(making, stat) }];
		return { ...file, stat, operations };
	});
	if (typeof made === "number") return s.fail(r, made);
	s.locals.madeUnnamed(parent, made.ref);
	answerOpened(s, r, made, flags);
}
