/** A create that died half-way is taken back before it is done again, on the other server too if a copy brought it there. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { answeredAgain } from "../../../core/replication/fuse/again.ts";
import type { Recalled } from "../../../core/replication/fuse/intents.ts";
import { opcode, type Request } from "../../../core/replication/fuse/protocol.ts";
import type { FuseSession } from "../../../core/replication/fuse/session.ts";
import { openTree } from "../../../core/replication/local/setup.ts";
import type { FileRef, Operation } from "../../../core/replication/operation.ts";
import { diskFolder, makeTestFolder } from "../../folder.ts";

const intent = { term: 7n, seq: 5n };

for (const { what, id, folder = false, age = 0n, gone } of [
	{ what: "a file that has no id yet", id: null, gone: true },
	{ what: "a file that has its id", id: "7.0.5", gone: true },
	{ what: "a file to which a copy has given an id since", id: "9.0.1", gone: true },
	{ what: "a directory", id: "7.0.5", folder: true, gone: true },
	{ what: "a file that was there before", id: "7.0.4", gone: false },
	{ what: "a file without id that was there before", id: null, age: 60_000_000_000n, gone: false },
]) {
	test(`${what}: ${gone ? "it goes on both servers" : "it stays"}`, (t) => {
		const dir = makeTestFolder("again", diskFolder);
		const tree = openTree(system, dir);
		t.teardown(() => {
			tree.close();
			rmSync(dir, { recursive: true });
		});
		const path = join(dir, "made");
		if (folder) mkdirSync(path);
		else writeFileSync(path, "");
		const made = tree.with<FileRef>(tree.rootRef, (fd) => tree.refAt(fd, Buffer.from("made"))) as FileRef;
		if (id !== null) tree.with<never>(made, (fd) => tree.setId(fd, made, id));

		const submitted: Operation[] = [];
		const session = {
			...{ tree, system, ref: (node: bigint) => node },
			inDirectory: tree.with.bind(tree),
			directoryAfter: (_: FileRef, fd: number) => system.stat(fd, ""),
			entry: (fd: number, _: FileRef, name: Buffer) => ({ ref: made, stat: system.stat(fd, name) }),
			locals: { isLocalName: () => false },
			sink: { submit: (operation: Operation) => void submitted.push(operation) },
		} as unknown as FuseSession;
		const body = Buffer.concat([Buffer.alloc(folder ? 8 : 16), Buffer.from("made\0")]);
		const request = { opcode: folder ? opcode.MKDIR : opcode.CREATE, node: tree.rootRef, body, unique: 1n };
		const nowNs = BigInt(Date.now()) * 1_000_000n;
		const known = { applied: false, idTerm: intent.term, idSeq: intent.seq, timeNs: nowNs + age } as Recalled;

		t.false(answeredAgain(session, request as Request, known), "it has to be done");
		t.is(existsSync(path), !gone);
		t.deepEqual(
			submitted.map(({ op }) => op),
			gone ? [folder ? "rmdir" : "unlink"] : [],
		);
	});
}
