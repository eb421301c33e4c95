/**
 * Changes by the application while a resync runs (replication.md §5.8). A change of what is done already is sent. A
 * change of what is still pending is not: it will be found by the comparison. Where both are touched, the entry that
 * it leaves in the done directory is sent: no such name, or this file under this name (its content pending).
 */
import { falloc, rename as renameFlag } from "../errno.ts";
import { isDirectory } from "../local/tree.ts";
import type { FileRef, Operation } from "../operation.ts";
import type { Message } from "../wire/messages.ts";
import type { ActiveFile, Scope } from "./scope.ts";

type Of<K extends Operation["op"]> = Extract<Operation, { op: K }>;

/** What the target must be told of the change, beyond what this has sent already by way of `scope`. */
export function liveMessages(scope: Scope, operation: Operation): Message[] {
	const pass = (kept: Operation | null): Message[] =>
		kept === null ? [] : [{ is: "operation", dir: scope.volume.index, seq: 0, operation: kept }];
	switch (operation.op) {
		case "make":
			return pass(make(scope, operation));
		case "makeUnnamed":
			scope.known.add(operation.file);
			scope.doneFiles.add(operation.file);
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
			return pass(scope.known.has(operation.file) ? operation : null);
		case "setattr":
		case "setxattr":
		case "removexattr": {
			const done = scope.doneFiles.has(operation.file) || scope.doneDirs.has(operation.file);
			return pass(done ? operation : null);
		}
		case "sync":
			// While this node is alone a sync is one here (replication.md §5.1).
			return [];
		default:
			return pass(content(scope, operation));
	}
}

/** True: names in this directory are equal on both sides. A name in one that is being compared is noted. */
function isDone(scope: Scope, directory: FileRef, name: Buffer): boolean {
	if (scope.doneDirs.has(directory)) return true;
	scope.merging.get(directory)?.dirty.set(name.toString("latin1"), Buffer.from(name));
	return false;
}

function make(scope: Scope, operation: Of<"make">): Operation | null {
	if (!isDone(scope, operation.parent, operation.name)) return null;
	scope.known.add(operation.file);
	if (isDirectory(operation.node.mode)) scope.doneDirs.add(operation.file);
	else scope.doneFiles.add(operation.file);
	return operation;
}

function link(scope: Scope, operation: Of<"link">): Operation | null {
	const isKnown = scope.known.has(operation.file);
	if (!isDone(scope, operation.parent, operation.name)) {
		if (!operation.unnamed || !isKnown) return null;
		// Its name will be found by the comparison: until then the target must not keep it without one.
		scope.known.delete(operation.file);
		scope.doneFiles.delete(operation.file);
		return { op: "dropOpen", file: operation.file };
	}
	if (isKnown) return operation;
	scope.place(operation.parent, operation.name, operation.file);
	scope.settleDirectory(operation.parent);
	return null;
}

function unlink(scope: Scope, operation: Of<"unlink">): Operation | null {
	const { parent, name, file, keep } = operation;
	if (!isDone(scope, parent, name)) {
		if (keep) keepOpen(scope, file);
		return null;
	}
	if (keep || typeof scope.volume.tree.stat(file) === "number") return operation;
	// It has other names, which the target may not have yet: it must not lose the file with this one.
	scope.limbo(parent, name);
	scope.settleDirectory(parent);
	return null;
}

/** A file without a name that is still open here: the target keeps it too. */
function keepOpen(scope: Scope, file: FileRef): void {
	scope.place(0n, Buffer.from("open"), file);
}

/** The target's directory may still hold what was not compared: it goes whole. */
function rmdir(scope: Scope, { parent, name }: Of<"rmdir">): null {
	if (!isDone(scope, parent, name)) return null;
	scope.limbo(parent, name);
	scope.settleDirectory(parent);
	return null;
}

function rename(scope: Scope, operation: Of<"rename">): Operation | null {
	const { parent, name, newParent, newName, flags, keep } = operation;
	const [fromDone, toDone] = [isDone(scope, parent, name), isDone(scope, newParent, newName)];
	if (!toDone && keep !== null) keepOpen(scope, keep);
	if (!fromDone && !toDone) return null;
	const moved = scope.lookup(newParent, newName);
	if (fromDone && toDone) return renameDone(scope, operation, moved);
	if (toDone) {
		if (keep !== null) keepOpen(scope, keep);
		if (typeof moved === "bigint") scope.place(newParent, newName, moved);
		scope.settleDirectory(newParent);
		return null;
	}
	const back = (flags & renameFlag.EXCHANGE) === 0 ? -1 : scope.lookup(parent, name);
	if (typeof back === "bigint") scope.place(parent, name, back);
	else scope.limbo(parent, name);
	scope.settleDirectory(parent);
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

function content(scope: Scope, operation: Of<"write" | "truncate" | "fallocate">): Operation | null {
	if (scope.doneFiles.has(operation.file)) return operation;
	const active = scope.active.get(operation.file);
	if (active === undefined) return null;
	active.touched = true;
	switch (operation.op) {
		case "write":
			return clipWrite(active, operation);
		case "truncate":
			if (operation.size >= active.cursor) return null;
			back(active, operation.size);
			return operation;
		case "fallocate":
			return clipAllocation(active, operation);
	}
}

/** What the target was asked about is no longer what it will have. */
function back(active: ActiveFile, cursor: bigint): void {
	active.cursor = cursor;
	active.generation++;
}

function clipWrite(active: ActiveFile, operation: Of<"write">): Operation | null {
	if (operation.offset >= active.cursor) return null;
	const keep = active.cursor - operation.offset;
	if (BigInt(operation.data.length) <= keep) return operation;
	return { ...operation, data: operation.data.subarray(0, Number(keep)) };
}

function clipAllocation(active: ActiveFile, operation: Of<"fallocate">): Operation | null {
	if (operation.offset >= active.cursor) return null;
	if ((operation.mode & (falloc.COLLAPSE | falloc.INSERT)) !== 0) {
		back(active, operation.offset);
		return null;
	}
	const end = operation.offset + operation.length;
	return end <= active.cursor ? operation : { ...operation, length: active.cursor - operation.offset };
}
