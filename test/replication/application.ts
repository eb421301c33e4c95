/** Changes a tree underneath as the mount would: applied, marked, and handed to the primary as results. */

import type { Volume } from "../../core/replication/control/context.ts";
import { type as fileType, open, rename as renameFlag } from "../../core/replication/errno.ts";
import { makeFile } from "../../core/replication/local/make.ts";
import type { FileRef, Operation } from "../../core/replication/operation.ts";
import type { Primary } from "../../core/replication/primary/primary.ts";
import type { TestMarks } from "./testMarks.ts";

const anyId = "1.0.1";

export class Application {
	readonly #volume: Volume;
	readonly #marks: TestMarks;
	readonly #primary: Primary;
	/** The kernel has looked names up, as before any real change. */
	remembers = true;
	done = 0;
	/** Open files; true: without a name any more. */
	readonly #open = new Map<FileRef, boolean>();

	constructor(volume: Volume, marks: TestMarks, primary: Primary) {
		this.#volume = volume;
		this.#marks = marks;
		this.#primary = primary;
	}

	#directory(path: string[]): FileRef | null {
		const { tree, names } = this.#volume;
		let ref = tree.rootRef;
		for (const name of path) {
			const next = tree.with<FileRef>(ref, (fd) => tree.refAt(fd, name));
			if (typeof next === "number") return null;
			if (this.remembers) names.note(next, ref, Buffer.from(name));
			ref = next;
		}
		const stat = tree.stat(ref);
		return typeof stat !== "number" && (stat.mode & fileType.MASK) === fileType.DIRECTORY ? ref : null;
	}

	#find(path: string[]): { parent: FileRef; name: Buffer; ref: FileRef; mode: number; nlink: number } | null {
		const { tree, names } = this.#volume;
		const parent = this.#directory(path.slice(0, -1));
		if (parent === null) return null;
		const name = Buffer.from(path.at(-1)!);
		const ref = tree.with<FileRef>(parent, (fd) => tree.refAt(fd, name));
		const stat = typeof ref === "number" ? ref : tree.stat(ref);
		if (typeof ref === "number" || typeof stat === "number") return null;
		if (this.remembers) names.note(ref, parent, name);
		return { parent, name, ref, mode: stat.mode, nlink: stat.nlink };
	}

	#submit(operation: Operation): boolean {
		this.#primary.sink(this.#volume).submit(operation, () => {});
		this.done++;
		return true;
	}

	#after(directory: FileRef): { mtimeNs: bigint } {
		const stat = this.#volume.tree.stat(directory);
		return { mtimeNs: typeof stat === "number" ? 0n : stat.mtimeNs };
	}

	open(path: string[]): boolean {
		const found = this.#find(path);
		if (found === null || (found.mode & fileType.MASK) !== fileType.FILE) return false;
		if (!this.#open.has(found.ref)) this.#open.set(found.ref, false);
		return true;
	}

	/** Closes one of the open files. */
	close(which: number): boolean {
		const refs = [...this.#open.keys()];
		const file = refs[which % Math.max(1, refs.length)];
		if (file === undefined) return false;
		const nameless = this.#open.get(file) === true;
		this.#open.delete(file);
		if (!nameless) return true;
		this.#volume.tree.dropKept(file);
		return this.#submit({ op: "dropOpen", file });
	}

	/** Into one of the open files that have no name. */
	writeNameless(which: number, offset: number, data: Buffer): boolean {
		const refs = [...this.#open].filter(([, nameless]) => nameless);
		const file = refs[which % Math.max(1, refs.length)]?.[0];
		if (file === undefined) return false;
		this.#marks.content(file, 0n, offset, offset + data.length);
		const { tree } = this.#volume;
		const after = tree.withFile(file, open.RDWR, (fd) => {
			tree.system.pwrite(fd, data, offset);
			return tree.system.stat(fd, "");
		});
		if (typeof after === "number") return false;
		return this.#submit({ op: "write", file, offset: BigInt(offset), data, mtimeNs: after.mtimeNs });
	}

	/** The file is open and has no other name than the one that is being taken away: from here on it has none. */
	#becomesNameless({ ref, nlink }: { ref: FileRef; nlink: number }): boolean {
		if (nlink !== 1 || this.#open.get(ref) !== false) return false;
		this.#open.set(ref, true);
		return true;
	}

	/** A file, a directory or a symbolic link. */
	make(path: string[], kind: "file" | "directory" | "link"): boolean {
		const { tree, names } = this.#volume;
		const parent = this.#directory(path.slice(0, -1));
		if (parent === null) return false;
		const name = Buffer.from(path.at(-1)!);
		const mode = { file: fileType.FILE | 0o644, directory: fileType.DIRECTORY | 0o755, link: fileType.LINK | 0o777 }[
			kind
		];
		const id = this.#primary.nextId();
		const target = kind === "link" ? { target: Buffer.from(`to ${path.join(" ")}`) } : {};
		const made = tree.with(parent, (fd) => makeFile(tree, fd, name, { mode, uid: 0, gid: 0, rdev: 0, id, ...target }));
		if (typeof made === "number") return false;
		tree.system.close(made.fd);
		this.#marks.entries(parent, id);
		if (this.remembers) names.note(made.ref, parent, name);
		const stat = tree.stat(made.ref);
		if (typeof stat === "number") return false;
		const { atimeNs, mtimeNs } = stat;
		const node = { mode, uid: 0, gid: 0, rdev: 0, times: { atimeNs, mtimeNs } };
		return this.#submit({ op: "make", parent, name, file: made.ref, id, node, ...target, after: this.#after(parent) });
	}

	write(path: string[], offset: number, data: Buffer): boolean {
		return this.#onFile(path, (fd, ref, parent) => {
			this.#marks.content(ref, parent, offset, offset + data.length);
			this.#volume.tree.system.pwrite(fd, data, offset);
			return (mtimeNs) => ({ op: "write", file: ref, offset: BigInt(offset), data, mtimeNs });
		});
	}

	truncate(path: string[], size: number): boolean {
		return this.#onFile(path, (fd, ref, parent, before) => {
			this.#marks.content(ref, parent, Math.min(size, before), Math.max(size, before) + 1);
			this.#marks.attributes(ref, parent);
			this.#volume.tree.system.ftruncate(fd, size);
			return (mtimeNs) => ({ op: "truncate", file: ref, size: BigInt(size), mtimeNs });
		});
	}

	punch(path: string[], offset: number, length: number): boolean {
		return this.#onFile(path, (fd, ref, parent) => {
			this.#marks.content(ref, parent, offset, offset + length);
			const [mode, at, size] = [3, BigInt(offset), BigInt(length)];
			if (this.#volume.tree.system.fallocate(fd, mode, at, size) < 0) return null;
			return (mtimeNs) => ({ op: "fallocate", file: ref, mode, offset: at, length: size, mtimeNs });
		});
	}

	#onFile(
		path: string[],
		change: (fd: number, ref: FileRef, parent: FileRef, size: number) => ((mtimeNs: bigint) => Operation) | null,
	): boolean {
		const { tree } = this.#volume;
		const found = this.#find(path);
		if (found === null || (found.mode & fileType.MASK) !== fileType.FILE) return false;
		const fd = tree.open(found.ref, open.RDWR);
		const before = tree.system.stat(fd, "");
		const operation = change(fd, found.ref, found.parent, typeof before === "number" ? 0 : before.size);
		const after = tree.system.stat(fd, "");
		tree.system.close(fd);
		if (operation === null || typeof after === "number") return false;
		return this.#submit(operation(after.mtimeNs));
	}

	attributes(path: string[], mode: number, value: string): boolean {
		const { tree } = this.#volume;
		const found = this.#find(path);
		if (found === null || (found.mode & fileType.MASK) === fileType.LINK) return false;
		this.#marks.attributes(found.ref, found.parent);
		const name = Buffer.from("user.test");
		tree.with<never>(found.ref, (fd) => {
			tree.system.chmod(fd, mode);
			return tree.system.setxattr(fd, name, Buffer.from(value), 0);
		});
		this.#submit({ op: "setattr", file: found.ref, mode });
		return this.#submit({ op: "setxattr", file: found.ref, name, value: Buffer.from(value) });
	}

	link(from: string[], to: string[]): boolean {
		const { tree } = this.#volume;
		const [found, parent] = [this.#find(from), this.#directory(to.slice(0, -1))];
		if (found === null || parent === null || (found.mode & fileType.MASK) === fileType.DIRECTORY) return false;
		const name = Buffer.from(to.at(-1)!);
		const result = tree.with<never>(found.ref, (fd) =>
			tree.with<never>(parent, (dirFd) => tree.system.linkFd(fd, dirFd, name)),
		);
		if (result < 0) return false;
		this.#marks.linked(found.ref, found.parent);
		this.#marks.entries(parent, anyNew(this.#primary));
		const { ref: file } = found;
		return this.#submit({ op: "link", file, parent, name, unnamed: false, after: this.#after(parent) });
	}

	remove(path: string[]): boolean {
		const { tree } = this.#volume;
		const found = this.#find(path);
		if (found === null) return false;
		const { parent, name, ref: file } = found;
		const isDirectory = (found.mode & fileType.MASK) === fileType.DIRECTORY;
		const keep = this.#becomesNameless(found);
		const result = tree.with<never>(parent, (fd) =>
			keep ? tree.keepByMove(fd, name, file) : tree.system.unlinkat(fd, name, isDirectory ? 0x200 : 0),
		);
		if (result < 0) return false;
		this.#marks.entries(parent, anyNew(this.#primary));
		const after = this.#after(parent);
		return this.#submit(
			isDirectory ? { op: "rmdir", parent, name, after } : { op: "unlink", parent, name, file, keep, after },
		);
	}

	move(from: string[], to: string[], exchange = false): boolean {
		const { tree, names } = this.#volume;
		const [found, newParent] = [this.#find(from), this.#directory(to.slice(0, -1))];
		if (found === null || newParent === null) return false;
		const other = this.#find(to);
		const newName = Buffer.from(to.at(-1)!);
		const { parent, name } = found;
		const flags = exchange ? renameFlag.EXCHANGE : 0;
		if (other?.ref === found.ref) return false;
		const isOver = other !== null && !exchange && (found.mode & fileType.MASK) !== fileType.DIRECTORY;
		const keep = isOver && this.#becomesNameless(other) ? other.ref : null;
		if (keep !== null) tree.keepByLink(keep);
		const result = tree.with<never>(parent, (fd) =>
			tree.with<never>(newParent, (newFd) => tree.system.renameat2(fd, name, newFd, newName, flags)),
		);
		if (result < 0) return false;
		const isDirectory = (found.mode & fileType.MASK) === fileType.DIRECTORY;
		this.#marks.moved(found.ref, parent, newParent, isDirectory);
		if (exchange && other !== null)
			this.#marks.moved(other.ref, newParent, parent, (other.mode & fileType.MASK) === fileType.DIRECTORY);
		for (const each of [parent, newParent]) this.#marks.entries(each, anyNew(this.#primary));
		if (this.remembers) names.note(found.ref, newParent, newName);
		const [after, newAfter] = [this.#after(parent), this.#after(newParent)];
		return this.#submit({ op: "rename", parent, name, newParent, newName, flags, keep, after, newAfter });
	}
}

const anyNew = (primary: Primary): string => primary.nextId() || anyId;

/** One random change in a small world. */
export function randomChange(application: Application, next: () => number): void {
	const pick = (below: number): number => Math.floor(next() * below);
	const directory = (): string[] => Array.from({ length: pick(4) }, () => `d${pick(3)}`);
	const file = (): string[] => [...directory(), `f${pick(8)}`];
	const data = (): Buffer =>
		Buffer.alloc(pick(12) === 0 ? pick(700_000) : pick(5000), String.fromCharCode(97 + pick(26)));
	switch (pick(18)) {
		case 0:
		case 1:
			return void application.make([...directory(), `d${pick(3)}`], "directory");
		case 2:
			return void application.make(file(), "link");
		case 3:
			return void application.write(file(), pick(3) * 3_000_000 + pick(9000), data());
		case 4:
			return void application.truncate(file(), pick(2_000_000));
		case 5:
			return void application.punch(file(), pick(100) * 4096, pick(100) * 4096 + 1);
		case 6:
			return void application.attributes(
				pick(3) === 0 ? [...directory(), `d${pick(3)}`] : file(),
				0o600 + pick(64),
				`${pick(99)}`,
			);
		case 7:
			return void application.link(file(), file());
		case 8:
			return void application.remove(pick(3) === 0 ? [...directory(), `d${pick(3)}`] : file());
		case 9:
			return void application.move([...directory(), `d${pick(3)}`], [...directory(), `d${pick(3)}`], pick(4) === 0);
		case 10:
			return void application.move(file(), file(), pick(5) === 0);
		case 11:
		case 12:
			return void application.open(file());
		case 13:
			return void application.close(pick(1000));
		case 14:
			return void application.writeNameless(pick(1000), pick(9000), data());
		default: {
			const path = file();
			application.make(path, "file");
			application.write(path, 0, data());
		}
	}
}
