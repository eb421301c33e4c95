/** Random changes of a tree, from a seed: what an application that uses everything does to it. */
import {
	appendFile,
	chmod,
	link,
	mkdir,
	open,
	readdir,
	rename,
	rm,
	rmdir,
	symlink,
	truncate,
	unlink,
	utimes,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";

/** mulberry32. */
export function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

export class Churn {
	readonly #root: string;
	readonly #next: () => number;
	#stopped = false;
	done = 0;

	constructor(root: string, seed: number) {
		this.#root = root;
		this.#next = random(seed);
	}

	/** Changes until `stop` or the first error that is not one of names in the way. */
	async run(most = Number.POSITIVE_INFINITY): Promise<void> {
		while (!this.#stopped && this.done < most) {
			await this.#step().catch((error: NodeJS.ErrnoException) => {
				if (!/^(ENOENT|EEXIST|ENOTEMPTY|EISDIR|ENOTDIR|EINVAL|EXDEV|EPERM|ELOOP)$/.test(error.code ?? "")) throw error;
			});
			this.done++;
		}
	}

	stop(): void {
		this.#stopped = true;
	}

	#pick(below: number): number {
		return Math.floor(this.#next() * below);
	}

	/** A directory of a small world, often the same ones, so that names collide. */
	#directory(): string {
		const depth = this.#pick(3);
		return join(this.#root, ...Array.from({ length: depth }, () => `d${this.#pick(4)}`));
	}

	#name(): string {
		return join(this.#directory(), `f${this.#pick(12)}`);
	}

	#data(): Buffer {
		const size = this.#pick(10) === 0 ? this.#pick(3_000_000) : this.#pick(5000);
		return Buffer.alloc(size, String.fromCharCode(97 + this.#pick(26)));
	}

	async #step(): Promise<void> {
		switch (this.#pick(17)) {
			case 0:
			case 1:
				return void (await mkdir(join(this.#directory(), `d${this.#pick(4)}`)));
			case 2:
				return await rmdir(join(this.#directory(), `d${this.#pick(4)}`));
			case 3:
				return await rename(join(this.#directory(), `d${this.#pick(4)}`), join(this.#directory(), `d${this.#pick(4)}`));
			case 4:
			case 5:
				return await rename(this.#name(), this.#name());
			case 6:
				return await link(this.#name(), this.#name());
			case 7:
				return await unlink(this.#name());
			case 8:
				return await symlink(`target ${this.#pick(99)}`, this.#name());
			case 9:
				return await truncate(this.#name(), this.#pick(4_000_000));
			case 10:
				return await chmod(this.#name(), 0o600 + this.#pick(64));
			case 11:
				return await utimes(this.#name(), this.#pick(1e9), this.#pick(1e9));
			case 12:
				return await this.#writeInside();
			case 13:
				return await this.#writeWithoutName();
			case 14:
				if (this.#pick(20) === 0) await rm(join(this.#root, `d${this.#pick(4)}`), { recursive: true, force: true });
				return;
			case 15:
				return await appendFile(this.#name(), this.#data());
			default:
				return await writeFile(this.#name(), this.#data());
		}
	}

	async #writeInside(): Promise<void> {
		const file = await open(this.#name(), "r+");
		try {
			await file.write(this.#data(), 0, undefined, this.#pick(5_000_000));
			if (this.#pick(3) === 0) await file.sync();
		} finally {
			await file.close();
		}
	}

	/** An open file loses its name, or is replaced, and is written to. */
	async #writeWithoutName(): Promise<void> {
		const [name, other] = [this.#name(), this.#name()];
		const file = await open(name, "r+");
		try {
			if (this.#pick(2) === 0) await unlink(name);
			else await rename(other, name);
			await file.write(this.#data());
		} finally {
			await file.close();
		}
	}

	/** So many entries are there now. */
	async count(): Promise<number> {
		return (await readdir(this.#root, { recursive: true })).length;
	}
}
