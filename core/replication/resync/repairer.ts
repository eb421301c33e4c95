/** Makes the target have what this side has: an entry, a small file whole, attributes. */
import { type as fileType } from "../errno.ts";
import type { FileId, FileRef, Operation } from "../operation.ts";
import type { Stat } from "../system.ts";
import type { Whole } from "../wire/content.ts";
import { maxWhole } from "../wire/limits.ts";
import { FileWork } from "./fileWork.ts";
import { isGone, unusable } from "./gone.ts";
import { attributeBytes, extendedAttributes, readOnly, readPiece } from "./look.ts";
import type { Scope } from "./scope.ts";
import { mergedWork } from "./young.ts";

/** Extended attributes of one message. */
const attributesAtOnce = 512 * 1024;
/** Names above this many bytes of blocks beyond the content: preallocated. */
const slackBytes = 64 * 1024;
const noBytes = Buffer.alloc(0);

/** A file of this side, open (O_PATH), as it is at this moment. */
interface Seen {
	ref: FileRef;
	fd: number;
	stat: Stat;
	id: FileId;
}

export class Repairer {
	readonly #scope: Scope;
	/** What the target has not said of yet whether it was made or found. */
	readonly #placing = new Map<number, FileRef>();
	#lastRequest = 0;
	/** Marks of what was made there that are not on disk yet. */
	#marking = 0;

	constructor(scope: Scope) {
		this.#scope = scope;
	}

	/** The target was asked something and has not answered. */
	get asks(): boolean {
		return this.#placing.size > 0;
	}

	/** Answers are outstanding that may bring directories and files to be compared. */
	get waiting(): boolean {
		return this.#placing.size + this.#marking > 0;
	}

	/**
	 * Makes the target have this entry, whatever it has there now, and lets the file itself be compared. `parent` 0n:
	 * the folder of kept open files. False: the file is gone.
	 */
	place(parent: FileRef, name: Buffer, ref: FileRef): boolean {
		const scope = this.#scope;
		const { tree } = scope.volume;
		const fd = tree.openPath(ref);
		if (isGone(fd)) return false;
		try {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") throw unusable("a file cannot be looked at", stat);
			this.placeOpen(parent, name, { ref, fd, stat, id: scope.identify(fd, ref) });
			return true;
		} finally {
			tree.system.close(fd);
		}
	}

	/** As `place`, of a file that was looked at already. */
	placeOpen(parent: FileRef, name: Buffer, { ref, fd, stat, id }: Seen): void {
		const scope = this.#scope;
		const { tree, index: dir } = scope.volume;
		const isLink = (stat.mode & fileType.MASK) === fileType.LINK;
		const target = isLink ? tree.system.readlinkat(fd, "") : noBytes;
		if (typeof target === "number") throw unusable("a symbolic link cannot be read", target);
		const { mode, uid, gid, rdev, atimeNs, mtimeNs } = stat;
		const node = { mode, uid, gid, rdev, times: { atimeNs, mtimeNs } };
		const known = scope.binder.has(ref);
		const whole = !known && isSmall(stat) ? this.#whole(ref, fd, stat) : null;
		const asks = !known && !scope.everything && whole === null && hasContent(stat);
		const request = asks ? ++this.#lastRequest : 0;
		scope.sendNumbered((seq) => ({ is: "place", seq, request, dir, parent, name, file: ref, id, node, target, whole }));
		scope.binder.add(ref);
		if (parent !== 0n && scope.context.config.resyncDetail) scope.volume.names.note(ref, parent, name);
		scope.claim(id, ref);
		if (asks) this.#await(request, ref, stat);
		else if (known) this.#knownPlaced(ref, fd, stat);
		else if (whole !== null) {
			scope.onSent(stat.size);
			scope.onDetail(ref, `is sent, ${stat.size} bytes`);
			scope.fileEqual(ref);
		} else scope.follow(ref, fd, stat, true);
	}

	/** Another name of what the target has: its content goes its own way. */
	#knownPlaced(ref: FileRef, fd: number, stat: Stat): void {
		if (this.#scope.everything) this.#scope.follow(ref, fd, stat, true);
	}

	#await(request: number, ref: FileRef, stat: Stat): void {
		const { pendingDirs, pendingFiles } = this.#scope;
		this.#placing.set(request, ref);
		if ((stat.mode & fileType.MASK) === fileType.DIRECTORY) {
			pendingDirs.set(ref, mergedWork(pendingDirs.get(ref), { placing: true }));
			return;
		}
		const work = pendingFiles.get(ref) ?? new FileWork();
		work.queued = work.placing = true;
		pendingFiles.set(ref, work);
	}

	/** @param made it is empty there; otherwise only what the marks name may differ. */
	placed(request: number, made: boolean): void {
		const scope = this.#scope;
		const ref = this.#placing.get(request);
		if (ref === undefined) return;
		this.#placing.delete(request);
		if (made) this.#identify(ref);
		const directory = scope.pendingDirs.get(ref);
		if (directory !== undefined) {
			const work = mergedWork(directory, { placing: false, wanted: made, subtree: made });
			if (work.wanted) {
				scope.pendingDirs.set(ref, work);
				scope.onDirectory(ref);
			} else scope.pendingDirs.delete(ref);
			return;
		}
		const file = scope.pendingFiles.get(ref);
		if (file === undefined) return;
		file.queued = file.placing = false;
		if (made) scope.pendFile(ref, (work) => work.addAll());
		else if (file.wanted) scope.pendFile(ref, () => {});
		else scope.pendingFiles.delete(ref);
	}

	/**
	 * What was made there is incomplete: only once this side's mark of it is durable may it be known by its id, or a copy
	 * that begins again after an interruption would take it for equal.
	 */
	#identify(ref: FileRef): void {
		const { volume } = this.#scope;
		const { tree, marks, index: dir } = volume;
		const [stat, id] = [tree.stat(ref), tree.idOf(ref)];
		if (typeof stat === "number" || typeof id !== "string") return;
		const isDirectory = (stat.mode & fileType.MASK) === fileType.DIRECTORY;
		marks.found(isDirectory ? { directory: ref, whole: "below" } : { file: ref, hint: 0n });
		this.#marking++;
		marks.written(() => {
			this.#marking--;
			this.#scope.send({ is: "identify", dir, file: ref, id });
			this.#scope.onMarked();
		});
	}

	/**
	 * A copy made by hand is not what it was said to be in this directory. Before anything in it is repaired, this side's
	 * mark says so: a copy that begins again must not take for equal what only looks equal by then.
	 */
	distrust(directory: FileRef): void {
		const { marks } = this.#scope.volume;
		marks.found({ directory, whole: "files" });
		this.#marking++;
		marks.written(() => {
			this.#marking--;
			this.#scope.onMarked();
		});
	}

	/** Content and extended attributes as they are at this moment; null: too much for one message. */
	#whole(ref: FileRef, fd: number, { size }: Stat): Whole | null {
		const { tree } = this.#scope.volume;
		const xattrs = extendedAttributes(tree, fd);
		if (xattrs.reduce((sum, entry) => sum + attributeBytes(entry), 0) > attributesAtOnce) return null;
		if (size === 0) return { data: noBytes, xattrs };
		const data = tree.withFile<Buffer>(ref, readOnly(tree.system), (file) => readPiece(tree.system, file, 0n, size));
		if (typeof data === "number") throw unusable("a file cannot be read", data);
		return data.length === size ? { data: Buffer.from(data), xattrs } : null;
	}

	/** Owner, mode and times as they are here; `all`: the extended attributes too. */
	setAttributes(file: FileRef, fd: number, stat: Stat, all: boolean): void {
		const { mode, uid, gid, atimeNs, mtimeNs } = stat;
		const ownMode = (mode & fileType.MASK) === fileType.LINK ? {} : { mode };
		this.#scope.repair({ op: "setattr", file, ...ownMode, uid, gid, times: { atimeNs, mtimeNs } });
		// Afterwards: a change of the owner takes capabilities away.
		if (all) this.#sendExtended(file, fd);
	}

	#sendExtended(file: FileRef, fd: number): void {
		const { tree, index } = this.#scope.volume;
		let entries: { name: Buffer; value: Buffer }[] = [];
		let bytes = 0;
		for (const entry of extendedAttributes(tree, fd)) {
			if (bytes + attributeBytes(entry) > attributesAtOnce) {
				this.#scope.send({ is: "xattrs", dir: index, file, last: false, entries });
				entries = [];
				bytes = 0;
			}
			entries.push(entry);
			bytes += attributeBytes(entry);
		}
		this.#scope.send({ is: "xattrs", dir: index, file, last: true, entries });
	}

	/** After entries of a finished directory were repaired: its times as they are here. */
	settleDirectory(ref: FileRef): void {
		const stat = this.#scope.volume.tree.stat(ref);
		if (typeof stat === "number") return;
		const times = { atimeNs: stat.atimeNs, mtimeNs: stat.mtimeNs };
		const operation: Operation = { op: "setattr", file: ref, times };
		this.#scope.repair(operation);
	}
}

function hasContent({ mode }: Stat): boolean {
	const kind = mode & fileType.MASK;
	return kind === fileType.DIRECTORY || kind === fileType.FILE;
}

/** Without holes, and without space that is reserved only. */
function isSmall({ mode, size, blocks }: Stat): boolean {
	const allocated = blocks * 512;
	const plain = (mode & fileType.MASK) === fileType.FILE && size <= maxWhole;
	return plain && allocated >= size && allocated <= size + slackBytes;
}
