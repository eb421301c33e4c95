/**
 * What a node loses is kept (replication.md §5.8, quarantine): `.opensafe/quarantine/<epoch>/` of the replicated
 * directory. Whole files up to 64 MiB, of larger ones the ranges that are overwritten, with a list of them. It is
 * made by the target just before a repair; if it does not fit, the repair is refused.
 */
import { SafekitError } from "../../errors.ts";
import type { Volume } from "../control/context.ts";
import { errno, errnoName, open } from "../errno.ts";
import { refAsName } from "../local/handles.ts";
import type { FileRef } from "../operation.ts";
import { readPiece } from "../resync/look.ts";

const wholeBytes = 64n << 20n;
const spareBytes = 64n << 20n;
const pieceBytes = 1 << 20;

export class Quarantine {
	readonly #volume: Pick<Volume, "tree">;
	readonly #fd: number;
	readonly name: string;
	/** Own references that were kept whole. */
	readonly #whole = new Set<FileRef>();
	/** Which own file a name stands for: the application may have renamed another one to it meanwhile. */
	readonly #labels = new Map<string, FileRef>();
	files = 0;

	/** Makes the folder, named after the epoch that is given up. @throws SafekitError REPLICATION_QUARANTINE. */
	constructor(volume: Pick<Volume, "tree">, epoch: string) {
		const { tree } = volume;
		this.#volume = volume;
		this.name = epoch;
		const made = tree.system.mkdirat(tree.folderFd.quarantine, epoch, 0o700);
		if (made < 0 && made !== -errno.EEXIST) throw refused(`its folder cannot be made: ${errnoName(made)}`);
		const flags = open.RDONLY | open.CLOEXEC | tree.system.flags.DIRECTORY | tree.system.flags.NOFOLLOW;
		this.#fd = tree.system.openat(tree.folderFd.quarantine, epoch, flags);
		if (this.#fd < 0) throw refused(`its folder cannot be opened: ${errnoName(this.#fd)}`);
	}

	close(): void {
		this.#volume.tree.system.close(this.#fd);
	}

	/** Before [offset, offset + length) of the file is overwritten or cut off. */
	keep(ref: FileRef, path: string, offset: bigint, length: bigint): void {
		if (this.#whole.has(ref)) return;
		const label = (this.#labels.get(path) ?? ref) === ref ? path : `${path}~${refAsName(ref)}`;
		this.#labels.set(label, ref);
		const { tree } = this.#volume;
		const result = tree.withFile(ref, open.RDONLY, (fd) => {
			const stat = tree.system.stat(fd, "");
			if (typeof stat === "number") return stat;
			const size = BigInt(stat.size);
			if (size === 0n) {
				// Made by this copy, or empty: whatever it holds from now on came from the source.
				this.#whole.add(ref);
				return 0;
			}
			if (size > wholeBytes) return this.#keepRange(fd, label, offset, offset + length < size ? length : size - offset);
			this.#whole.add(ref);
			this.files++;
			return this.#copy(fd, 0n, size, label, stat.mode & 0o7777);
		});
		if (typeof result === "number" && result < 0) throw refused(`${label} cannot be kept: ${errnoName(result)}`);
	}

	/** Moves an entry of another private folder in here, whole, as `label`; a taken name gets a number. */
	take(fromFd: number, name: Buffer, label = name): void {
		for (let number = 0; number < 10_000; number++) {
			const target = number === 0 ? label : Buffer.concat([label, Buffer.from(`~${number}`)]);
			const result = this.#volume.tree.system.renameat2(fromFd, name, this.#fd, target, 1);
			if (result === -errno.EEXIST) continue;
			if (result < 0) throw refused(`${name} cannot be moved: ${errnoName(result)}`);
			this.files++;
			return;
		}
		throw refused(`${name} has too many namesakes`);
	}

	/** `<label>.<offset>` holds the bytes (`+<length>` when a shorter piece has that name); `<label>.ranges` says where they were. */
	#keepRange(fd: number, label: string, offset: bigint, length: bigint): number {
		if (length <= 0n) return 0;
		const { system } = this.#volume.tree;
		const plain = `${label}.${offset}`;
		const kept = system.stat(this.#fd, plain);
		const isLonger = typeof kept !== "number" && BigInt(kept.size) < length;
		const copied = this.#copy(fd, offset, length, isLonger ? `${plain}+${length}` : plain, 0o600);
		if (copied < 0) return copied;
		const list = system.openat(
			this.#fd,
			`${label}.ranges`,
			open.WRONLY | open.CREAT | open.APPEND | open.CLOEXEC,
			0o600,
		);
		if (list < 0) return list;
		const written = system.write(list, Buffer.from(`${offset} ${length}\n`));
		system.close(list);
		this.files++;
		return written < 0 ? written : 0;
	}

	#copy(fd: number, offset: bigint, length: bigint, name: string, mode: number): number {
		const { system } = this.#volume.tree;
		const space = system.statfs(this.#fd);
		if (typeof space === "number") return space;
		if (BigInt(space.bavail) * BigInt(space.bsize) < length + spareBytes) return -errno.ENOSPC;
		// Kept by a copy that was interrupted: what is here now is no longer what was lost.
		if (typeof system.stat(this.#fd, name) !== "number") return 0;
		const unfinished = `${name.slice(0, 200)}.part`;
		const flags = open.WRONLY | open.CREAT | open.TRUNC | open.CLOEXEC | system.flags.NOFOLLOW;
		const target = system.openat(this.#fd, unfinished, flags, mode);
		if (target < 0) return target;
		let result = 0;
		for (let done = 0n; done < length && result >= 0; ) {
			const left = length - done;
			const piece = readPiece(system, fd, offset + done, left < BigInt(pieceBytes) ? Number(left) : pieceBytes);
			if (typeof piece === "number") result = piece;
			else if (piece.length === 0) break;
			else result = system.pwrite(target, piece, done);
			if (result > 0) done += BigInt(result);
		}
		// On disk before the repair may begin.
		if (result >= 0) result = system.fsync(target);
		system.close(target);
		if (result >= 0) result = system.renameat2(this.#fd, unfinished, this.#fd, name, 0);
		return result < 0 ? result : 0;
	}
}

function refused(why: string): SafekitError {
	return new SafekitError(
		"REPLICATION_QUARANTINE",
		`what this server alone holds cannot be kept in quarantine: ${why}`,
	);
}
