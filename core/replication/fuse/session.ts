/** What all request handlers of one mount share. */
import { errno, open } from "../errno.ts";
import { Directories } from "../local/directories.ts";
import type { NameMemory } from "../local/nameMemory.ts";
import { isDirectory, isRegular, type Tree } from "../local/tree.ts";
import type { Syncers } from "../loop/syncers.ts";
import type { ChangeSink, FileRef, Operation } from "../operation.ts";
import type { Or, Stat, System } from "../system.ts";
import type { FuseDevice } from "./device.ts";
import type { Handles } from "./handles.ts";
import type { Intents } from "./intents.ts";
import type { Locals } from "./locals.ts";
import { PageCache } from "./pageCache.ts";
import { invalidation, type Request, rootNode } from "./protocol.ts";

/** Kept files and open files of one mount, and how a change gets from the tree to the sink. */
export class FuseSession {
	readonly system: System;
	readonly tree: Tree;
	readonly names: NameMemory;
	readonly device: FuseDevice;
	readonly sink: ChangeSink;
	readonly syncers: Syncers;
	/** null: this thread waits for the disk itself. */
	readonly readers: Syncers | null;
	readonly locals: Locals;
	readonly handles: Handles;
	readonly intents: Intents;
	readonly pageCache = new PageCache();
	readonly #directories: Directories;
	/** Files without a name that are still open; they lie in `.opensafe/open`. */
	readonly kept = new Set<FileRef>();
	/**
	 * Last attributes of files that are gone underneath but that the kernel has not forgotten: somebody may still ask
	 * for them through a descriptor (a pipe, a removed working directory), and gets what a local disk would say.
	 */
	readonly ghosts = new Map<FileRef, Stat>();
	/** Changes without a caller that came while changes were parked; run by `unpark`. */
	readonly deferred: (() => void)[] = [];
	/** Wait for a local sync with every change (`async="none"`). */
	durable: boolean;
	/** Primary: the kernel may cache, since nobody else writes. */
	writable = false;

	constructor(
		parts: Pick<
			FuseSession,
			"tree" | "names" | "device" | "sink" | "syncers" | "readers" | "locals" | "durable" | "handles" | "intents"
		>,
	) {
		this.handles = parts.handles;
		this.intents = parts.intents;
		this.system = parts.tree.system;
		this.tree = parts.tree;
		this.names = parts.names;
		this.device = parts.device;
		this.sink = parts.sink;
		this.syncers = parts.syncers;
		this.readers = parts.readers;
		this.locals = parts.locals;
		this.durable = parts.durable;
		this.#directories = new Directories(parts.tree);
	}

	/**
	 * Runs `use` with a directory open. While nobody else changes the tree, directories stay open for the next time:
	 * opening one by its handle costs as much as what is done in it.
	 */
	inDirectory<T>(ref: FileRef, use: (fd: number) => Or<T>): Or<T> {
		return this.writable ? this.#directories.with(ref, use) : this.tree.with(ref, use);
	}

	/** Attributes of a directory that a request has open as `fd`. */
	directory(ref: FileRef, fd: number): Or<Stat> {
		return this.#directories.stat(ref) ?? this.system.stat(fd, "");
	}

	/** The same after one of its entries was changed. */
	directoryAfter(ref: FileRef, fd: number): Or<Stat> {
		return this.#directories.changed(ref) ?? this.system.stat(fd, "");
	}

	/** The attributes of a file were changed otherwise, or it is a directory that was read. */
	touched(ref: FileRef) {
		this.#directories.touched(ref);
	}

	/** Nothing stays open but what applications have open. */
	closeDirectories() {
		this.#directories.close();
	}

	/** Seconds for which the kernel may believe names and attributes: on a secondary the files change underneath. */
	get validS(): number {
		return this.writable ? 1 : 0;
	}

	/** The file that a node id of the kernel means. */
	ref(node: bigint): FileRef {
		return node === rootNode ? this.tree.rootRef : node;
	}

	node(ref: FileRef): bigint {
		return ref === this.tree.rootRef ? rootNode : ref;
	}

	/** Attributes as an application sees them: without the name in `.opensafe/open`, without `.opensafe` itself. */
	visible(ref: FileRef, stat: Stat): Stat {
		if (this.kept.has(ref)) return { ...stat, nlink: stat.nlink - 1 };
		return ref === this.tree.rootRef ? { ...stat, nlink: stat.nlink - 1 } : stat;
	}

	stat(ref: FileRef): Or<Stat> {
		const stat = this.#directories.stat(ref) ?? this.tree.stat(ref);
		if (stat === -errno.ESTALE) return this.ghosts.get(ref) ?? stat;
		return typeof stat === "number" ? stat : this.visible(ref, stat);
	}

	/** The last name of a file was removed. */
	removed(ref: FileRef, stat: Stat) {
		this.ghosts.set(ref, { ...stat, nlink: 0 });
		this.#directories.letGo(ref);
	}

	/** The kernel has forgotten a file. */
	forget(ref: FileRef, count: bigint) {
		this.ghosts.delete(ref);
		this.#directories.letGo(ref);
		this.pageCache.forget(ref);
		this.locals.forget(ref, count);
	}

	/** The kernel gets rid of the pages and attributes that it has of a file. */
	dropPages(ref: FileRef) {
		if (this.device.closed) return;
		// A syncer's work: the call waits for pages that this thread may have to read.
		this.syncers.run({ do: "notify", fd: this.device.fd, bytes: invalidation(this.node(ref)) }, () => undefined);
	}

	/** Name → file and attributes. −EXDEV for another file system mounted inside the tree: it is not replicated. */
	entry(parentFd: number, parent: FileRef, name: Buffer): Or<{ ref: FileRef; stat: Stat }> {
		if (this.tree.isPrivate(parent, name)) return -errno.ENOENT;
		const stat = this.system.stat(parentFd, name);
		if (typeof stat === "number") return stat;
		if (stat.dev !== this.tree.device) return -errno.EXDEV;
		const ref = this.tree.refAt(parentFd, name);
		return typeof ref === "number" ? ref : { ref, stat: this.visible(ref, stat) };
	}

	/** The kernel gets this file as the answer to a name. */
	handedOut(parent: FileRef, name: Buffer, ref: FileRef, stat: Stat) {
		this.sink.marks?.saw(parent, ref);
		this.locals.lookedUp(parent, name, ref, isDirectory(stat.mode));
		if (this.writable) this.names.note(ref, parent, name);
	}

	/**
	 * Hands over changes that were applied, and answers once all are acknowledged (and, with `durable`, synced here).
	 * `synced`: the file that a local sync concerns. No operation: answered at once.
	 */
	submit(
		request: Request,
		operations: Operation[],
		synced: FileRef,
		answer: () => void,
		undo?: () => void,
		result?: number,
	) {
		this.intents.applied(request.unique, result);
		this.submitThen(operations, synced, (failed) => {
			if (failed === 0) return answer();
			undo?.();
			this.device.answer(request.unique, failed);
		});
	}

	/** As `submit`; `done` gets 0 or an errno, above zero. */
	submitThen(operations: Operation[], synced: FileRef, done: (failed: number) => void) {
		const sync = this.durable && operations.length > 0;
		let waiting = operations.length + (sync ? 1 : 0) + 1;
		let failed = 0;
		const one = (result: number) => {
			failed ||= result;
			if (--waiting === 0) done(failed);
		};
		for (const operation of operations) this.sink.submit(operation, one);
		if (sync) this.syncFile(synced, false, one);
		one(0);
	}

	/** Syncs a file or directory in a syncer thread; `done` gets 0 or an errno, above zero. `fd`: open on it, not O_PATH. */
	syncFile(ref: FileRef, dataOnly: boolean, done: (failed: number) => void, fd?: number) {
		// Of its own: the file may be closed before the sync has begun.
		const own = fd === undefined ? this.#openToSync(ref) : { fd: this.system.dup(fd), plain: true };
		if (own.fd < 0) return done(-own.fd);
		this.syncers.run({ do: own.plain ? (dataOnly ? "fdatasync" : "fsync") : "syncfs", fd: own.fd }, (result) => {
			this.system.close(own.fd);
			if (result < 0) this.sink.diskFailed(result);
			done(result < 0 ? -result : 0);
		});
	}

	/** The handle of what a request has opened; −EMFILE, and it is closed again, when there are too many. */
	opened(request: Request, file: Parameters<Handles["add"]>[0]): number {
		const handle = this.handles.add(file, request.unique);
		if (handle > 0) return handle;
		this.system.close(file.fd);
		return -errno.EMFILE;
	}

	/** Opening a device or a pipe would do something to it: for these the whole file system is synced. */
	#openToSync(ref: FileRef): { fd: number; plain: boolean } {
		const stat = this.tree.stat(ref);
		const plain = typeof stat !== "number" && (isRegular(stat.mode) || isDirectory(stat.mode));
		return { fd: plain ? this.tree.open(ref, open.RDONLY) : this.system.dup(this.tree.rootFd), plain };
	}

	fail(request: Request, result: number) {
		this.device.answer(request.unique, Math.abs(result));
	}
}
