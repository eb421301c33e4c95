/**
 * What a person has declared of how the next synchronization is done (`rfssync`, spec/06 §3): kept in
 * `$SAFEVAR/modules/AM/rfssync.json` until the replication process has taken it and a synchronization has followed.
 */
import { readFileSync, rmSync } from "node:fs";
import type { SyncControl, SyncMode } from "../cli/control.ts";
import { asSafekitError } from "../errors.ts";
import type { Answers, Question } from "../replication/control/questions.ts";
import { replaceFile } from "./stored.ts";

export interface SyncParts {
	file: string;
	/** A replication process runs, and can be asked. */
	runs(): boolean;
	ask<K extends Question["ask"]>(question: Extract<Question, { ask: K }>): Promise<Answers[K]>;
	setResource(name: string, value: string): void;
	log(level: "I" | "E", text: string): void;
}

type Stored = SyncMode & { applied: boolean };

export class Rfssync implements SyncControl {
	readonly #parts: SyncParts;
	#now: Stored | null;
	/** `secondforce -d`: of the next start. */
	#sinceMs: number | null = null;

	constructor(parts: SyncParts) {
		this.#parts = parts;
		this.#now = read(parts.file);
	}

	get now(): SyncMode | null {
		return this.#now;
	}

	async declare(mode: SyncMode): Promise<void> {
		this.#store({ ...mode, applied: false });
		if (!this.#parts.runs()) return;
		try {
			await this.#apply();
		} catch (error) {
			this.forget();
			throw error;
		}
	}

	async since(ms: number | null): Promise<void> {
		this.#sinceMs = ms;
		if (this.#parts.runs()) await this.#parts.ask({ ask: "since", sinceMs: ms });
	}

	forget(): void {
		this.#store(null);
	}

	/** A replication process was started, and nothing was ordered yet. What it refuses is told, and is over. */
	async started(): Promise<void> {
		try {
			const sinceMs = this.#sinceMs;
			this.#sinceMs = null;
			if (sinceMs !== null) await this.#parts.ask({ ask: "since", sinceMs });
			if (this.#now?.applied === false) await this.#apply();
		} catch (error) {
			this.#parts.log("E", asSafekitError(error).message);
			this.forget();
		}
	}

	/** Both servers have the same. */
	synced(): void {
		if (this.#now?.applied === true) this.forget();
	}

	/** Resources as the documents name them; not before the module is there. */
	show(): void {
		const now = this.#now;
		this.#parts.setResource("usersetting.rfssyncmode", now?.mode ?? "default");
		this.#parts.setResource("usersetting.rfssyncrole", now?.mode === "external" ? now.role : "none");
		this.#parts.setResource("usersetting.rfssyncuid", now?.mode === "external" ? now.uid : "none");
		this.#parts.setResource("rfs.rfssync", now === null ? "up" : "down");
	}

	async #apply(): Promise<void> {
		const now = this.#now!;
		if (now.mode === "full") await this.#parts.ask({ ask: "everything" });
		else {
			const { role, uid, atMs, detect } = now;
			await this.#parts.ask({ ask: "declare", declaration: { role, uid, atMs, detect } });
			this.#parts.log("I", `From now on both copies count as the backup ${uid}, with what is changed since`);
		}
		this.#store({ ...now, applied: true });
	}

	#store(stored: Stored | null): void {
		this.#now = stored;
		if (stored === null) rmSync(this.#parts.file, { force: true });
		else replaceFile(this.#parts.file, JSON.stringify(stored), true);
		this.show();
	}
}

function read(file: string): Stored | null {
	try {
		const stored = JSON.parse(readFileSync(file, "utf8")) as Stored;
		return stored.mode === "full" || stored.mode === "external" ? stored : null;
	} catch {
		return null;
	}
}
