/**
 * Changes by the application while a resync runs (replication.md §5.8). A change of what is done already is sent. A
 * change of what is still pending is not: it will be found by the comparison. Where both are touched, the entry that
 * it leaves in the done directory is sent: no such name, or this file under this name (its content pending).
 */
import { falloc, rename as renameFlag } from "../errno.ts";
import { isDirectory } from "../local/tree.ts";
import type { FileRef, Operation } from "../operation.ts";
import type { Message } from "../wire/messages.ts";
import type { FileWork } from "./fileWork.ts";
import { endless } from "./ranges.ts";
import type { Scope } from "./scope.ts";

type Of<K extends Operation["op"]> = Extract<Operation, { op: K }>;

/** What the target must be told of the change, beyond what this has sent already by way of `scope`. */
export function liveMessages(scope: Scope, operation: Operation): Message[] {
	const pass = (kept: Operation | null): Message[] =>
		kept === null ? [] : [{ is: "operation", dir: scope.volume.index, seq: 0, operation: kept }];
	switch (operation.op) {
		case "make":
			return pass(make(scope, operation));
		case "makeUnnamed":
			scope.made(operation.file, operation.node.mode, true);
			return pass(operation);
		case "link":
			return pass(link(scope, operation));
		case "unlink":
			return pass(unlink(scope, operation));
		case "rmdir":
			return pass(rmdir(scope, operation));
		case "rename":
			return pass(rename(scope, operation));
		case "dropOpen":
			return pass(scope.binder.has(operation.file) ? operation : null);
		case "setattr":
		case "setxattr":
		case "removexattr":
			return pass(attributes(scope, operation));
		case "bind":
		case "unbind":
		case "sync":
			// While this node is alone a sync is one here (replication.md §5.1).
			return [];
		default:
			return pass(content(scope, operation));
	}
}

/** True: names in this directory are equal on both sides. A name in one that is being compared is noted. */
function isDone(scope: Scope, directory: FileRef, name: Buffer): boolean {
	if (scope.directoryDone(directory)) return true;
	scope.merging.get(directory)?.dirty.set(name.toString("latin1"), Buffer.from(name));
	return false;
}

function make(scope: Scope, operation: Of<"make">): Operation | null {
	const done = isDone(scope, operation.parent, operation.name);
	scope.made(operation.file, operation.node.mode, done);
	return done ? operation : null;
}

function link(scope: Scope, operation: Of<"link">): Operation | null {
	scope.covered.linked(operation.file);
	if (!isDone(scope, operation.parent, operation.name)) {
		if (!operation.unnamed || !scope.binder.has(operation.file)) return null;
		// Its name will be found by the comparison: until then the target must not keep it without one.
		scope.doneFiles.delete(operation.file);
		return { op: "dropOpen", file: operation.file };
	}
	if (scope.reach(operation.file) || scope.binder.has(operation.file)) return operation;
	leave(scope, operation.parent, operation.name, operation.file);
	return null;
}

/**
 * The entry that a change leaves in a done directory: this file, its content pending. Where only marked things are
 * compared, the directory is compared once more instead: the target may have the file elsewhere.
 */
function leave(scope: Scope, parent: FileRef, name: Buffer, file: FileRef): void {
	if (!scope.everything && !scope.binder.has(file)) {
		scope.pendDirectory(parent);
		return;
	}
	scope.repairer.place(parent, name, file);
	scope.repairer.settleDirectory(parent);
}

function unlink(scope: Scope, operation: Of<"unlink">): Operation | null {
	const { parent, name, file, keep } = operation;
	scope.covered.leaves(parent, file);
	if (!isDone(scope, parent, name)) {
		if (keep) keepOpen(scope, file);
		return null;
	}
	if (keep || typeof scope.volume.tree.stat(file) === "number") return operation;
	// It has other names, which the target may not have yet: it must not lose the file with this one.
	scope.limbo(parent, name);
	scope.repairer.settleDirectory(parent);
	return null;
}

/** A file without a name that is still open here: the target keeps it too. */
function keepOpen(scope: Scope, file: FileRef): void {
	scope.repairer.place(0n, Buffer.from("open"), file);
}

/** The target's directory may still hold what was not compared: it goes whole. */
function rmdir(scope: Scope, { parent, name }: Of<"rmdir">): null {
	if (!isDone(scope, parent, name)) return null;
	scope.limbo(parent, name);
	scope.repairer.settleDirectory(parent);
	return null;
}

function rename(scope: Scope, operation: Of<"rename">): Operation | null {
	const { parent, name, newParent, newName, flags, keep } = operation;
	const moved = scope.lookup(newParent, newName);
	const back = (flags & renameFlag.EXCHANGE) === 0 ? -1 : scope.lookup(parent, name);
	if (typeof moved === "bigint") scope.covered.leaves(parent, moved);
	if (typeof back === "bigint") scope.covered.leaves(newParent, back);
	if (keep !== null) scope.covered.leaves(newParent, keep);
	const [fromDone, toDone] = [isDone(scope, parent, name), isDone(scope, newParent, newName)];
	if (!toDone && keep !== null) keepOpen(scope, keep);
	if (!fromDone && !toDone) return null;
	if (fromDone && toDone) return renameDone(scope, operation, moved);
	if (toDone) {
		if (keep !== null) keepOpen(scope, keep);
		if (typeof moved === "bigint") leave(scope, newParent, newName, moved);
		return null;
	}
	if (typeof back === "bigint") {
		leave(scope, parent, name, back);
		return null;
	}
	scope.limbo(parent, name);
	scope.repairer.settleDirectory(parent);
	return null;
}

/** What is replaced may have names in directories that are pending: the target keeps it until they are compared. */
function renameDone(scope: Scope, operation: Of<"rename">, moved: FileRef | number): Operation | null {
	const { parent, name, newParent, newName, flags } = operation;
	if ((flags & renameFlag.EXCHANGE) !== 0 || (parent === newParent && name.equals(newName))) return operation;
	// Both names are of one file: nothing has happened.
	if (typeof moved === "bigint" && scope.lookup(parent, name) === moved) return null;
	scope.limbo(newParent, newName);
	return operation;
}

function attributes(scope: Scope, operation: Of<"setattr" | "setxattr" | "removexattr">): Operation | null {
	const { file } = operation;
	const stat = scope.volume.tree.stat(file);
	if (typeof stat === "number") return null;
	if (isDirectory(stat.mode)) return scope.directoryDone(file) ? operation : null;
	if (scope.fileDone(file)) return operation;
	pend(scope, file, (work) => {
		work.attributes = true;
	});
	return null;
}

/** With `everything` a file that is not done is found in its directory. */
function pend(scope: Scope, file: FileRef, add: (work: FileWork) => void): void {
	if (!scope.everything || scope.active.has(file)) scope.pendFile(file, add);
}

function content(scope: Scope, operation: Of<"write" | "truncate" | "fallocate">): Operation | null {
	if (scope.fileDone(operation.file)) return operation;
	const [from, to] = touched(operation);
	const active = scope.active.get(operation.file);
	if (active !== undefined) {
		active.touched = true;
		// What is cut off is cut off on both sides; every other change of what is pending is found by comparison.
		if (operation.op === "truncate" || !active.isPending(from, to)) {
			active.outdate(from, to);
			return operation;
		}
	}
	pend(scope, operation.file, (work) => work.add(from, to));
	return null;
}

/** The bytes that an operation changes. */
function touched(operation: Of<"write" | "truncate" | "fallocate">): [bigint, bigint] {
	switch (operation.op) {
		case "write":
			return [operation.offset, operation.offset + BigInt(operation.data.length)];
		case "truncate":
			return [operation.size, endless];
		case "fallocate": {
			const shifts = (operation.mode & (falloc.COLLAPSE | falloc.INSERT)) !== 0;
			return [operation.offset, shifts ? endless : operation.offset + operation.length];
		}
	}
}
