/**
 * What a restarted daemon takes up again: `$SAFEVAR/modules/AM/state.json`. The plan and the effects speak of
 * processes, mounts and addresses, which a power cut ends: they count only in the same run of the system.
 */
import {
	closeSync,
	fsyncSync,
	ftruncateSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Effect, Step } from "../engine/contract.ts";

/** States are far smaller. */
const paddedBytes = 16_384;

export interface StoredScript {
	pid: number;
	startTime: string;
	userlog: string | null;
	/** Monotonic ms at which it has to be killed; null: never. */
	killAtMs: number | null;
}

export interface StoredPlan {
	plan: number;
	steps: Step[];
	/** Index of the step that runs. */
	position: number;
	/** Id of the run of that step's script, in the script's environment; noted before it is started. */
	run: string | null;
	/** Set while that step is a script that was started. */
	script: StoredScript | null;
}

export interface Stored {
	format: 1;
	incarnation: string;
	/** Digest of the configuration with which the state was made. */
	config: string;
	state: unknown;
	plan: StoredPlan | null;
	/**
	 * Effects of the last decision that may not have been carried out: a restarted daemon carries them out again. All
	 * of them are idempotent.
	 */
	outbox: Effect[];
}

/** The file of one module, written in one run of the system with one configuration. */
export class StateFile {
	readonly #file: string;
	readonly #incarnation: string;
	readonly #failed: (error: unknown) => void;
	/** Of the configuration in force: a state that was made with another one is void. */
	digest: string;

	/** `failed` hears of a state that could not be written. */
	constructor(file: string, incarnation: string, digest: string, failed: (error: unknown) => void) {
		this.#file = file;
		this.#incarnation = incarnation;
		this.digest = digest;
		this.#failed = failed;
	}

	read(): Stored | null {
		return readStored(this.#file, this.digest);
	}

	/** `durable`: also through a power cut. For what a person ordered, and for whether the module runs. */
	write(now: Pick<Stored, "state" | "plan" | "outbox">, durable: boolean): void {
		try {
			writeStored(this.#file, { format: 1, incarnation: this.#incarnation, config: this.digest, ...now }, durable);
		} catch (error) {
			// A full disk must not stop a failover. What a killed daemon would then take up is older than it should be.
			this.#failed(error);
		}
	}

	remove(): void {
		rmSync(this.#file, { force: true });
	}
}

/** What was stored with this configuration; null if there is nothing that counts, or half a file. */
export function readStored(file: string, config: string): Stored | null {
	try {
		const stored = JSON.parse(readFileSync(file, "utf8")) as Stored;
		return stored.format === 1 && stored.config === config ? stored : null;
	} catch {
		return null;
	}
}

/**
 * Replaces the file in one step: a reader, also after `kill -9`, finds the old content or the new. The page cache
 * outlives the daemon, so only what must outlive a power cut (`durable`) waits for the disk: under load that costs
 * a decision 10 to 100 ms.
 */
export function writeStored(file: string, stored: Stored, durable: boolean): void {
	const text = padded(JSON.stringify(stored));
	try {
		replaceFile(file, text, durable);
	} catch (error) {
		// No room for a second file: the first has its blocks. One call writes it whole, which `kill -9` cannot cut.
		rmSync(`${file}.new`, { force: true });
		if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
		overwrite(file, text);
	}
}

/** Blanks at the end, so that a later state fits into the blocks that an earlier one got. */
function padded(json: string): string {
	const size = Buffer.byteLength(json);
	return json + " ".repeat(Math.ceil((size + 1) / paddedBytes) * paddedBytes - size);
}

function overwrite(file: string, text: string): void {
	const fd = openSync(file, "r+");
	try {
		const bytes = Buffer.from(text);
		if (writeSync(fd, bytes, 0, bytes.length, 0) !== bytes.length)
			throw new Error(`${file} is too small for the state`);
		ftruncateSync(fd, bytes.length);
	} finally {
		closeSync(fd);
	}
}

/** Atomic; with `durable` also against a power cut. Mode 0600, the folder is made if need be. */
export function replaceFile(file: string, text: string, durable: boolean): void {
	const next = `${file}.new`;
	mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
	const fd = openSync(next, "w", 0o600);
	try {
		writeFileSync(fd, text);
		if (durable) fsyncSync(fd);
	} finally {
		closeSync(fd);
	}
	renameSync(next, file);
	if (durable) syncFolder(dirname(file));
}

function syncFolder(folder: string): void {
	const fd = openSync(folder, "r");
	try {
		fsyncSync(fd);
	} finally {
		closeSync(fd);
	}
}
