/** What a module keeps through everything on this server: `$SAFEVAR/modules/AM/settings.json`, durable. */
import { readFileSync } from "node:fs";
import { replaceFile } from "./stored.ts";

export interface Settings {
	/** `safekit boot on|off`, for boot="ignore". */
	boot: boolean;
	/** The module was running, or was stopped only because the server went down (boot="auto"). */
	running: boolean;
	/** The run of the system in which the start at boot has been done. */
	bootedIn: string;
}

export class ModuleSettings {
	readonly #file: string;
	#now: Settings;

	constructor(file: string) {
		this.#file = file;
		this.#now = read(file);
	}

	get now(): Readonly<Settings> {
		return this.#now;
	}

	change(change: Partial<Settings>): void {
		const next = { ...this.#now, ...change };
		if (JSON.stringify(next) === JSON.stringify(this.#now)) return;
		this.#now = next;
		replaceFile(this.#file, JSON.stringify(next), true);
	}
}

function read(file: string): Settings {
	const nothing: Settings = { boot: false, running: false, bootedIn: "" };
	try {
		const stored = JSON.parse(readFileSync(file, "utf8")) as Partial<Settings>;
		return {
			boot: stored.boot === true,
			running: stored.running === true,
			bootedIn: typeof stored.bootedIn === "string" ? stored.bootedIn : "",
		};
	} catch {
		return nothing;
	}
}
