/**
 * The file system that is mounted over a replicated directory, in both roles (replication.md §5). It applies each
 * change to the tree underneath, hands its result to the sink, and answers when the sink acknowledges it. Runs in
 * the data thread; knows nothing of peers.
 */
import { SafekitError } from "../../errors.ts";
import { errno, errnoName, mountFlag, umountFlag } from "../errno.ts";
import type { AdoptedMount } from "../holder/adopt.ts";
import { Page, pageFlag } from "../holder/page.ts";
import { type Exclusion, nothingExcluded } from "../local/exclusion.ts";
import { NameMemory } from "../local/nameMemory.ts";
import type { Tree } from "../local/tree.ts";
import type { DataLoop } from "../loop/dataLoop.ts";
import type { Syncers } from "../loop/syncers.ts";
import type { ChangeSink } from "../operation.ts";
import { answeredAgain } from "./again.ts";
import { FuseDevice } from "./device.ts";
import { dropKept } from "./files.ts";
import { handlers } from "./handlers.ts";
import { Handles } from "./handles.ts";
import { Intents, isResent } from "./intents.ts";
import { Locals } from "./locals.ts";
import { fuseType, mountOn, mountPath, mountSource, readMounts } from "./mountTable.ts";
import { Parking } from "./parking.ts";
import { initReply, maxWrite, opcode, parseRequest } from "./protocol.ts";
import { FuseSession } from "./session.ts";
import { touches } from "./touches.ts";

export interface FuseServerOptions {
	/** Of the module: names the mount in `df` and the mount table. */
	module: string;
	/** Opened before the mount, after `removeDeadMounts`. */
	tree: Tree;
	/** Learns where files are, as the kernel asks for them. */
	names?: NameMemory;
	sink: ChangeSink;
	loop: DataLoop;
	syncers: Syncers;
	/** Without, a read of what is not in memory stops everything until the disk has answered. */
	readers?: Syncers;
	exclusion?: Exclusion;
	/** `async="none"`: every change also waits for a sync of this disk. */
	durable?: boolean;
	/** The mount is gone: after `unmount`, or taken away by somebody. */
	onGone?: () => void;
	/** The mount of a server that died is taken over: `adopt` instead of `mount`. */
	adopted?: AdoptedMount;
	/** `OPENSAFE_SABOTAGE=no-intents`: what was done is forgotten with the process. */
	forgetful?: boolean;
}

export class FuseServer {
	readonly #session: FuseSession;
	readonly #device: FuseDevice;
	readonly #loop: DataLoop;
	readonly #options: FuseServerOptions;
	readonly #parking = new Parking();
	/** Requests whose marks are being written: others need not wait behind them. */
	readonly #unmarked = new Parking();
	readonly #page: Page;
	readonly #locals: Locals;
	/** The disk may hold users to quotas, which this process stands above. */
	readonly #hasQuotas: boolean;
	#draining = false;
	#mounted: string | null = null;

	constructor(options: FuseServerOptions) {
		const { tree, sink, syncers, loop, adopted } = options;
		const device = new FuseDevice(tree.system, loop, adopted?.fuseFd);
		if (device.fd < 0)
			throw new SafekitError("REPLICATION_MOUNT", `/dev/fuse cannot be opened: ${errnoName(device.fd)}.`);
		this.#page = adopted?.page ?? Page.make(tree.system);
		const locals = new Locals(tree, options.exclusion ?? nothingExcluded);
		const handles = new Handles(this.#page);
		const intents = new Intents(this.#page, options.forgetful);
		device.onAnswered = (unique) => intents.answered(unique);
		const names = options.names ?? new NameMemory();
		const durable = options.durable ?? false;
		const readers = options.readers ?? null;
		this.#session = new FuseSession({ tree, names, device, sink, syncers, readers, locals, durable, handles, intents });
		this.#locals = locals;
		this.#hasQuotas = readMounts().some(({ id, options }) => id === tree.mount && /quota/.test(options));
		this.#device = device;
		this.#loop = loop;
		this.#options = options;
	}

	/** `async="none"`, from the next change on. */
	set durable(on: boolean) {
		this.#session.durable = on;
	}

	/** Mounts over the tree's own path. Answers requests as soon as the loop runs. Throws REPLICATION_MOUNT. */
	mount() {
		const { tree, module } = this.#options;
		const { system } = tree;
		const target = mountPath(tree.path);
		const data = `fd=${this.#device.fd},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other,max_read=${maxWrite}`;
		const result = system.mount(mountSource(module), target, fuseType, inheritedFlags(tree), data);
		if (result < 0) {
			this.#device.close();
			throw new SafekitError(
				"REPLICATION_MOUNT",
				`The file system cannot be mounted on ${target}: ${errnoName(result)}.`,
			);
		}
		const device = mountOn(target)?.device ?? "";
		this.#page.belongTo({ module, dir: tree.path, target, device });
		this.#serve(target);
	}

	/**
	 * Goes on with the mount of a server that died: opens again what was open, and asks the kernel for what that one had
	 * not answered. Changes wait, or not, as the sink says. Throws REPLICATION_HOLDER.
	 */
	adopt(mount: AdoptedMount) {
		const { handles, kept, tree } = this.#session;
		this.#session.writable = this.#page.has(pageFlag.WRITABLE);
		handles.adopt((ref, flags) => tree.open(ref, flags));
		for (const ref of tree.keptRefs()) kept.add(ref);
		const walked = this.#locals.adopt(kept);
		if (walked < 0) throw new SafekitError("REPLICATION_HOLDER", `${tree.path}: ${errnoName(walked)}`);
		// Its last close may have been answered by the one who died.
		this.#session.deferred.push(() => {
			for (const ref of kept) if (!handles.isOpen(ref)) dropKept(this.#session, ref);
		});
		this.#serve(mount.target);
		const asked = this.#device.askAgain();
		if (asked < 0) throw new SafekitError("REPLICATION_HOLDER", `${tree.path}: ${errnoName(asked)}`);
	}

	/** What a holder has to keep: page, directory underneath, connection. */
	get held(): number[] {
		return [this.#page.fd, this.#options.tree.rootFd, this.#device.fd];
	}

	/** Something that was acknowledged may be missing here: also a process that takes over has to know. */
	setDamaged(damaged: boolean) {
		this.#page.set(pageFlag.DAMAGED, damaged);
	}

	#serve(target: string) {
		this.#mounted = target;
		this.#device.listen(
			(raw) => this.#receive(raw),
			() => this.#gone(),
		);
	}

	/** Changes may go on: requests that waited are tried again. */
	unpark() {
		if (this.#draining) return;
		this.#draining = true;
		this.#loop.post(() => {
			this.#draining = false;
			for (const deferred of this.#session.deferred.splice(0)) deferred();
			this.#unmarked.drain((raw) => this.#dispatch(raw));
			this.#parking.drain(
				(raw) => this.#dispatch(raw),
				() => this.#session.sink.gate() !== "park",
			);
		});
	}

	/**
	 * The role: a primary's files are changed by nobody else, so the kernel may cache. False at first. What it has
	 * cached of open files is dropped with every change.
	 */
	setWritable(writable: boolean) {
		if (this.#session.writable === writable) return;
		this.#session.writable = writable;
		this.#page.set(pageFlag.WRITABLE, writable);
		this.#session.closeDirectories();
		this.#session.pageCache.clear();
		for (const ref of this.#session.handles.openRefs()) this.#session.dropPages(ref);
	}

	/** Where it is mounted; null before `mount` and once the mount is gone. */
	get mountedOn(): string | null {
		return this.#mounted;
	}

	/**
	 * Takes the mount away. `done(0)`: it is gone, descriptors are closed. `done(−EBUSY)`: processes use it, see
	 * `findHolders` (not to be called from the data thread); the mount stays and goes on serving. `detach` takes it
	 * out of sight even then, and serves those processes until they end; only for a module that is stopped, since it
	 * bares the directory underneath. Requests that wait for an acknowledgement must have been answered before.
	 */
	unmount(done: (result: number) => void, detach = false) {
		if (this.#mounted === null) return done(0);
		const flags = umountFlag.NOFOLLOW | (detach ? umountFlag.DETACH : 0);
		this.#options.syncers.run({ do: "umount", path: this.#mounted, flags }, (result) => {
			// EINVAL: somebody was faster, and it is not a mount any more.
			if (result < 0 && result !== -errno.EINVAL) return done(result);
			if (!detach) this.#gone();
			done(0);
		});
	}

	#gone() {
		if (this.#mounted === null) return;
		this.#mounted = null;
		for (const file of this.#session.handles.all()) this.#session.system.close(file.fd);
		this.#session.closeDirectories();
		this.#device.close();
		this.#options.onGone?.();
	}

	#receive(raw: Buffer) {
		const kind = raw.readUInt32LE(4);
		if (kind === opcode.INTERRUPT) return this.#interrupt(raw);
		// Behind those that wait already, so that none is overtaken for ever.
		if (!this.#parking.empty && handlers.get(kind)?.gated !== undefined) return this.#park(raw);
		this.#dispatch(raw);
	}

	#dispatch(raw: Buffer) {
		const request = parseRequest(raw);
		if (request.opcode === opcode.INIT) return this.#init(request.unique, request.body);
		const handler = handlers.get(request.opcode);
		if (handler === undefined) return this.#device.answer(request.unique, errno.ENOSYS);
		const gate = handler.gated === undefined ? 0 : this.#gate();
		if (gate === "park") return this.#park(raw);
		if (gate !== 0 && handler.gated === "change") return this.#device.answer(request.unique, gate);
		const { marks } = this.#session.sink;
		if (gate === 0 && marks !== null && touches.get(request.opcode)?.(this.#session, request, marks) === false) {
			if (marks.failed) return this.#device.answer(request.unique, errno.EIO);
			return this.#park(raw, this.#unmarked);
		}
		// Marked before: what it takes back, the other server may have.
		if (isResent(request.unique) && handler.gated === "change") {
			const known = this.#session.intents.recall(request.unique);
			if (known !== null && answeredAgain(this.#session, request, known)) return;
		}
		// What root does is above quotas on the disk itself too.
		const limited = this.#hasQuotas && handler.gated === "change" && request.uid !== 0;
		if (limited) this.#session.system.obeyQuotas(true);
		try {
			handler.run(this.#session, request);
		} finally {
			if (limited) this.#session.system.obeyQuotas(false);
		}
	}

	#gate(): number | "park" {
		if (!this.#session.intents.full) return this.#session.sink.gate();
		this.#loop.timer(1, () => this.unpark());
		return "park";
	}

	#park(raw: Buffer, where = this.#parking) {
		const { unique } = parseRequest(raw);
		if (!where.park(unique, raw)) this.#device.answer(unique, errno.EIO);
	}

	/** Only what was not applied can be taken back; everything else is answered in its time. */
	#interrupt(raw: Buffer) {
		const unique = parseRequest(raw).body.readBigUInt64LE(0);
		if (this.#parking.interrupt(unique) || this.#unmarked.interrupt(unique)) this.#device.answer(unique, errno.EINTR);
	}

	#init(unique: bigint, body: Buffer) {
		const reply = initReply(body, this.#options.tree.acl);
		if (reply === null) this.#device.answer(unique, 71);
		else this.#device.answerWith(unique, reply);
	}
}

/** nosuid, nodev and noexec of the file system underneath hold for the mount too. */
function inheritedFlags(tree: Tree): number {
	const stat = tree.system.statfs(tree.rootFd);
	const all = mountFlag.NOSUID | mountFlag.NODEV | mountFlag.NOEXEC;
	return typeof stat === "number" ? all : stat.flags & all;
}
