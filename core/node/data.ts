/** What persons ask of replicated data, beside the orders of the automaton: carried out for the commands `rfs…`. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { DataControl, Verdict } from "../cli/control.ts";
import type { ReplicationFact } from "../engine/replication.ts";
import { SafekitError } from "../errors.ts";
import type { RfsConfiguration } from "../module/configuration.ts";
import type { Answers, Question } from "../replication/control/questions.ts";
import type { KeptFolder, Restored } from "../replication/quarantine/kept.ts";
import { Rfssync, type SyncParts } from "./rfssync.ts";
import { Verification, type Verifier } from "./verification.ts";

/** Copies each pair; resolves with the complaints of what could not be copied. */
export type Copier = (copies: readonly Restored[], signal: AbortSignal) => Promise<string>;

/** The replication process, as far as questions go. */
interface Process {
	/** null: none runs. */
	pid(): number | null;
	ask<K extends Question["ask"]>(question: Extract<Question, { ask: K }>): Promise<Answers[K]>;
	examine<K extends "verify" | "estimate">(order: K): Promise<Examined<K>>;
	copy: Copier;
}

/** The facts that answer a person's orders; the automaton hears nothing of them. */
export type Examined<K extends "verify" | "estimate"> = Extract<
	ReplicationFact,
	{ fact: K extends "verify" ? "verified" : "estimated" }
>;

export class ModuleData implements DataControl {
	readonly directories: readonly string[];
	readonly sync: Rfssync;
	readonly #process: Process;
	readonly #verification: Verification;

	constructor(rfs: RfsConfiguration, process: Process, verifier: Omit<Verifier, "verify">, syncFile: string) {
		this.#process = process;
		this.#verification = new Verification({ ...verifier, verify: () => this.#verify() });
		this.sync = new Rfssync({
			file: syncFile,
			runs: () => process.pid() !== null,
			ask: (question) => process.ask(question),
			setResource: (name, value) => verifier.setResource(name, value),
			log: (level, text) => verifier.log(level, text),
		} satisfies SyncParts);
		this.directories = rfs.directories.map(({ dir }) => dir);
	}

	estimate(): Promise<Examined<"estimate">> {
		return this.#process.examine("estimate");
	}

	verify(): Promise<Verdict> {
		return this.#verification.verify();
	}

	askVerify(signal: AbortSignal): Promise<Verdict> {
		return this.#verification.ask(Date.now(), signal);
	}

	/** What the other server's pulses carry. */
	hear(resources: Readonly<Record<string, string>>): void {
		this.#verification.hear(resources);
	}

	async #verify(): Promise<Verdict> {
		const { differences, more, files, bytes } = await this.#process.examine("verify");
		return { differences, count: differences.length + more, files, bytes };
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
