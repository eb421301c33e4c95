/** A log file of bounded size: `file`, then `file.1` … `file.<keep>`. For the daemon's own log. */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

export class RotatingFile {
	#fd: number;
	#size: number;
	readonly #file: string;
	readonly #limit: number;
	readonly #keep: number;

	constructor(file: string, limitBytes = 4 * 1024 * 1024, keep = 3) {
		mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
		this.#file = file;
		this.#limit = limitBytes;
		this.#keep = keep;
		this.#fd = openSync(file, "a", 0o600);
		this.#size = fstatSync(this.#fd).size;
	}

	/** Appends; a full disk loses the line, never the daemon. */
	write(text: string): void {
		try {
			if (this.#size + text.length > this.#limit) this.#rotate();
			this.#size += writeSync(this.#fd, text);
		} catch {
			// There is no place left to say so.
		}
	}

	close(): void {
		closeSync(this.#fd);
	}

	#rotate(): void {
		rmSync(`${this.#file}.${this.#keep}`, { force: true });
		for (let n = this.#keep - 1; n >= 0; n--) {
			try {
				renameSync(n === 0 ? this.#file : `${this.#file}.${n}`, `${this.#file}.${n + 1}`);
			} catch {
				// Not that many yet.
			}
		}
		const next = openSync(this.#file, "a", 0o600);
		closeSync(this.#fd);
		this.#fd = next;
		this.#size = 0;
	}
}
