/**
 * Which quarantine is being filled on this node: a diverged node keeps what it loses until the copy is complete, also
 * when the copy is interrupted and begins again in another session.
 */
import { SafekitError } from "../../errors.ts";
import type { Context, Volume } from "../control/context.ts";
import { at, errno, errnoName, open } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Repairs } from "../secondary/repairs.ts";
import { Quarantine } from "./quarantine.ts";

/** In `.opensafe` of the first directory while a quarantine is being filled; holds its name. */
const marker = "salvaging";

export class Salvage {
	readonly #context: Context;
	#name: string | null = null;
	readonly #open = new Map<number, Quarantine>();

	/** Goes on with what an earlier process left unfinished. */
	constructor(context: Context) {
		this.#context = context;
		const { tree } = context.volumes[0]!;
		const fd = tree.system.openat(tree.ownFd, marker, open.RDONLY | open.CLOEXEC);
		if (fd < 0) return;
		const buffer = Buffer.alloc(64);
		const length = tree.system.pread(fd, buffer, 0);
		tree.system.close(fd);
		const name = buffer.toString("latin1", 0, Math.max(0, length));
		if (/^[0-9a-f]{16}$/.test(name)) this.#name = name;
	}

	/** Repairs must not overwrite anything that was not kept. */
	get active(): boolean {
		return this.#name !== null;
	}

	/** From now on, and also after a crash, whatever the repairs take away is kept. */
	begin(epoch: string): void {
		if (this.#name !== null) return;
		const { tree } = this.#context.volumes[0]!;
		const { system } = tree;
		const fd = system.openat(tree.ownFd, marker, open.RDWR | open.CREAT | open.CLOEXEC | open.TRUNC, 0o600);
		const written = fd < 0 ? fd : system.pwrite(fd, Buffer.from(epoch, "latin1"), 0);
		const synced = written < 0 ? written : Math.min(system.fsync(fd), system.fsync(tree.ownFd));
		if (fd >= 0) system.close(fd);
		if (synced < 0)
			throw new SafekitError("REPLICATION_QUARANTINE", `the quarantine cannot be begun: ${errnoName(synced)}`);
		this.#name = epoch;
	}

	/** Before this range of an own file goes. @throws SafekitError REPLICATION_QUARANTINE when it does not fit. */
	keep(volume: Volume, ref: FileRef, offset: bigint, length: bigint): void {
		this.#quarantine(volume).keep(ref, labelOf(volume, ref), offset, length);
	}

	/** Everything in the root is put aside; the log says how much. */
	foreign(volume: Volume, repairs: Repairs): number {
		const own = this.#name === null ? new Quarantine(volume, this.#context.records.now.tree) : this.#quarantine(volume);
		const count = repairs.foreign(own);
		if (this.#name === null) own.close();
		if (count < 0) return count;
		const where = `${volume.tree.path}/.opensafe/quarantine/${own.name}`;
		const text = `${count} entries that were in ${volume.tree.path} before the first synchronisation are kept in ${where}`;
		this.#context.log("E", "reintegre", text);
		return 0;
	}

	/** The copy is complete: what is left in limbo is kept too, then the quarantine is closed. */
	end(): void {
		if (this.#name === null) return;
		let files = 0;
		for (const volume of this.#context.volumes) {
			const quarantine = this.#quarantine(volume);
			const { tree } = volume;
			const limbo = tree.refAt(tree.folderFd.limbo, "");
			const entries = typeof limbo === "number" ? [] : tree.list(limbo);
			for (const { name } of typeof entries === "number" ? [] : entries) quarantine.take(tree.folderFd.limbo, name);
			files += quarantine.files;
		}
		const where = `.opensafe/quarantine/${this.#name}`;
		this.#context.log("E", "reintegre", `${files} files and folders that only this server had are kept in ${where}`);
		this.#forget();
	}

	#forget(): void {
		const { tree } = this.#context.volumes[0]!;
		const result = tree.system.unlinkat(tree.ownFd, marker, 0);
		if (result < 0 && result !== -errno.ENOENT)
			throw new SafekitError("REPLICATION_QUARANTINE", `the quarantine cannot be closed: ${errnoName(result)}`);
		for (const quarantine of this.#open.values()) quarantine.close();
		this.#open.clear();
		this.#name = null;
	}

	#quarantine(volume: Volume): Quarantine {
		const known = this.#open.get(volume.index);
		if (known !== undefined) return known;
		const quarantine = new Quarantine(volume, this.#name!);
		this.#open.set(volume.index, quarantine);
		return quarantine;
	}
}

/** The path below the root as one name, where the kernel still knows it; else the reference. */
function labelOf({ tree }: Volume, ref: FileRef): string {
	const unnamed = `file-${ref.toString(16)}`;
	const path = tree.with<Buffer>(ref, (fd) => tree.system.readlinkat(at.FDCWD, `/proc/self/fd/${fd}`));
	if (typeof path === "number") return unnamed;
	const text = path.toString("utf8");
	if (!text.startsWith(`${tree.path}/`)) return unnamed;
	const label = text
		.slice(tree.path.length + 1)
		.replaceAll("%", "%25")
		.replaceAll("/", "%2F");
	return Buffer.byteLength(label) > 200 || label.includes("\ufffd") ? unnamed : label;
}
