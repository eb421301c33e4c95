/** One `<proc>`: which processes it means, and whether their number is right (spec/02 §9). */
import type { ProcSettings } from "../../module/settings/errd.ts";
import { Ere } from "../../schema/ere/ere.ts";
import type { Look } from "./table.ts";

/** Names whose fit is remembered for an expression; a server has a few hundred different ones. */
const mostNames = 5000;

export class WatchedProc {
	readonly settings: ProcSettings;
	/** The command's name as the system keeps it. */
	readonly #name: string;
	readonly #nameRegex: Ere | null;
	readonly #argRegex: Ere | null;
	readonly #fits = new Map<string, boolean>();
	/** Looks that are still skipped. */
	skip: number;
	/** A handler of it runs. */
	handling = false;

	/** Throws a SyntaxError for an expression that is none. */
	constructor(settings: ProcSettings, name: string) {
		this.settings = settings;
		this.#name = name;
		this.#nameRegex = settings.nameRegex === null ? null : new Ere(settings.nameRegex);
		this.#argRegex = settings.argRegex === null ? null : new Ere(settings.argRegex);
		this.skip = settings.skippedLooks;
	}

	/** Running processes, counted no further than the verdict needs. */
	count(look: Look): number {
		const { atLeast, atMost } = this.settings;
		const enough = Math.max(atLeast ?? 0, atMost === null ? 0 : Math.max(1, atMost));
		let found = 0;
		for (const [name, pids] of this.#candidates(look)) {
			if (!this.#fitsName(name)) continue;
			for (const pid of pids) {
				if (found >= enough) return found;
				if (this.#argRegex?.test(look.argumentsOf(pid)) === false) continue;
				if (look.isRunning(pid)) found++;
			}
		}
		return found;
	}

	/** `few`: fewer than `atleast`; `many`: as many as `atmax`, which for 0 means any. */
	verdict(count: number): "right" | "few" | "many" {
		const { atLeast, atMost } = this.settings;
		if (atLeast !== null && count < atLeast) return "few";
		return atMost !== null && count >= Math.max(1, atMost) ? "many" : "right";
	}

	#candidates(look: Look): Iterable<[string, readonly number[]]> {
		if (this.#nameRegex !== null) return look.byName;
		return [[this.#name, look.byName.get(this.#name) ?? []]];
	}

	#fitsName(name: string): boolean {
		if (this.#nameRegex === null) return true;
		const known = this.#fits.get(name);
		if (known !== undefined) return known;
		if (this.#fits.size >= mostNames) this.#fits.clear();
		const fits = this.#nameRegex.test(name);
		this.#fits.set(name, fits);
		return fits;
	}
}
