/**
 * Files that were written lately on a secondary, and directories in which names changed, kept open: to open one by its
 * handle and to close it costs more than a write of 4 KiB. Each owes a time, the primary's after the last change, which
 * it gets before anybody can ask: at the end of a slice, and before its attributes are touched otherwise. A reference
 * holds the inode's generation, so a descriptor never means another file; what loses its name must be let go, since its
 * space would stay taken.
 */
import { errno, open } from "../errno.ts";
import type { FileRef } from "../operation.ts";
import type { Tree } from "./tree.ts";

/** Far more than one operation needs, so that what it uses is not let go. */
const maxFiles = 128;

interface Written {
	fd: number;
	/** Not given to the file yet. */
	owedNs: bigint | null;
}

export class WrittenFiles {
	readonly #tree: Tree;
	/** In the order of their last use. */
	readonly #files = new Map<FileRef, Written>();
	#owing: Written[] = [];
	#last: { ref: FileRef; file: Written } | null = null;

	constructor(tree: Tree) {
		this.#tree = tree;
	}

	/** Files that are open. */
	get size(): number {
		return this.#files.size;
	}

	/** 0, or −errno. The time is owed. */
	write(ref: FileRef, data: Buffer, offset: bigint, mtimeNs: bigint): number {
		const file = this.#last?.ref === ref ? this.#last.file : this.#open(ref, open.RDWR);
		if (typeof file === "number") return file;
		this.#owe(file, mtimeNs);
		const { system } = this.#tree;
		for (let done = 0; done < data.length; ) {
			const rest = done === 0 ? data : data.subarray(done);
			const written = system.pwrite(file.fd, rest, offset + BigInt(done));
			if (written <= 0) return written === 0 ? -errno.EIO : written;
			done += written;
		}
		return 0;
	}

	/** Runs `change` with the directory open; it then owes the time. 0 or more, or −errno. */
	inDirectory(ref: FileRef, mtimeNs: bigint, change: (dirFd: number) => number): number {
		const directory = this.#open(ref, open.RDONLY | this.#tree.system.flags.DIRECTORY);
		if (typeof directory === "number") return directory;
		const result = change(directory.fd);
		if (result >= 0) this.#owe(directory, mtimeNs);
		return result;
	}

	/** A descriptor of the file if it is open here; it stays this object's. */
	fdOf(ref: FileRef): number | undefined {
		return this.#files.get(ref)?.fd;
	}

	/** Gives every file the time that it owes. 0, or −errno. */
	settle(): number {
		if (this.#owing.length === 0) return 0;
		let failed = 0;
		for (const file of this.#owing) failed = Math.min(failed, this.#give(file));
		this.#owing = [];
		return failed;
	}

	/** Before the file loses its name, or may: it is closed. */
	letGo(ref: FileRef): void {
		const file = this.#files.get(ref);
		if (file === undefined) return;
		this.#files.delete(ref);
		this.#last = null;
		this.#close(file);
	}

	/** Closes all. 0, or −errno of giving them their times. */
	close(): number {
		const failed = this.settle();
		for (const { fd } of this.#files.values()) this.#tree.system.close(fd);
		this.#files.clear();
		this.#last = null;
		return failed;
	}

	#owe(file: Written, mtimeNs: bigint): void {
		if (file.owedNs === null) this.#owing.push(file);
		file.owedNs = mtimeNs;
	}

	#open(ref: FileRef, flags: number): Written | number {
		const known = this.#files.get(ref);
		if (known !== undefined) this.#files.delete(ref);
		const fd = known?.fd ?? this.#tree.open(ref, flags);
		if (fd < 0) return fd;
		const file = known ?? { fd, owedNs: null };
		this.#files.set(ref, file);
		this.#last = { ref, file };
		if (this.#files.size > maxFiles) this.#letGoOldest();
		return file;
	}

	#letGoOldest(): void {
		for (const ref of this.#files.keys()) {
			const file = this.#files.get(ref)!;
			this.#files.delete(ref);
			this.#close(file);
			return;
		}
	}

	#close(file: Written): void {
		if (file.owedNs !== null) {
			this.#give(file);
			this.#owing = this.#owing.filter((other) => other !== file);
		}
		this.#tree.system.close(file.fd);
	}

	#give(file: Written): number {
		if (file.owedNs === null) return 0;
		const mtimeNs = file.owedNs;
		file.owedNs = null;
		return this.#tree.system.utimens(file.fd, "", null, mtimeNs);
	}
}
