/** What persons ask of replicated data, beside the orders of the automaton: carried out for the commands `rfs…`. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { DataControl } from "../cli/control.ts";
import { SafekitError } from "../errors.ts";
import type { RfsConfiguration } from "../module/configuration.ts";
import type { Answers, Question } from "../replication/control/questions.ts";
import type { KeptFolder, Restored } from "../replication/quarantine/kept.ts";

/** Copies each pair; resolves with the complaints of what could not be copied. */
export type Copier = (copies: readonly Restored[], signal: AbortSignal) => Promise<string>;

/** The replication process, as far as questions go. */
interface Process {
	/** null: none runs. */
	pid(): number | null;
	ask<K extends Question["ask"]>(question: Extract<Question, { ask: K }>): Promise<Answers[K]>;
	copy: Copier;
}

export class ModuleData implements DataControl {
	readonly directories: readonly string[];
	readonly #process: Process;

	constructor(rfs: RfsConfiguration, process: Process) {
		this.#process = process;
		this.directories = rfs.directories.map(({ dir }) => dir);
	}

	copy(copies: readonly Restored[], signal: AbortSignal): Promise<string> {
		return this.#process.copy(copies, signal);
	}

	/**
	 * The mount hides what is below it: while a replication process runs, its descriptors lead there; otherwise the
	 * directory itself is what lies there.
	 */
	async withKept<T>(work: (folders: KeptFolder[]) => Promise<T>): Promise<T> {
		const pid = this.#process.pid();
		if (pid === null) {
			return work(this.directories.map((dir) => ({ dir, path: join(dir, ".opensafe/quarantine") })));
		}
		const held: FileHandle[] = [];
		try {
			const folders: KeptFolder[] = [];
			for (const { dir, fd } of await this.#process.ask({ ask: "folders" })) {
				// Held here too, so that a process that ends meanwhile takes nothing away.
				const handle = await open(`/proc/${pid}/fd/${fd}/.`, "r");
				held.push(handle);
				folders.push({ dir, path: `/proc/${process.pid}/fd/${handle.fd}` });
			}
			return await work(folders);
		} catch (cause) {
			if (cause instanceof SafekitError) throw cause;
			throw new SafekitError("RFS_QUARANTINE", `The quarantine cannot be used: ${(cause as Error).message}.`, {
				cause,
			});
		} finally {
			for (const handle of held) await handle.close();
		}
	}
}
