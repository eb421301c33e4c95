/** TypeScript checkers on simulated servers: the real sandbox process, and the scripted world outside of it. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TypeScriptHands } from "../../../core/checkers/typescript.ts";
import { manifestName, readManifest } from "../../../core/module/package/manifest.ts";
import type { CheckerSettings } from "../../../core/module/settings/checkers.ts";
import { platform } from "../../../core/platform/index.ts";
import type { Outside } from "../../../core/sandbox/outside.ts";
import { Judge, noPermissions, type Permissions } from "../../../core/sandbox/permissions.ts";
import { Sandbox } from "../../../core/sandbox/sandbox.ts";
import { readChecker } from "../../../core/sandbox/sources.ts";
import type { Hold, VirtualClock } from "./clock.ts";
import type { TestedModule } from "./module.ts";

/** One for both servers of a cluster, started with the first checker. */
export class SimulatedSandbox {
	readonly #folder: string;
	readonly #clock: VirtualClock;
	readonly #report: (text: string) => void;
	#sandbox: Sandbox | null = null;

	constructor(folder: string, clock: VirtualClock, report: (text: string) => void) {
		this.#folder = folder;
		this.#clock = clock;
		this.#report = report;
	}

	/** `outside`: what one run reaches. @throws SafekitError when the files are no checker. */
	hands(
		{ folder, configuration }: TestedModule,
		settings: Extract<CheckerSettings, { kind: "custom" }>,
		outside: (hold: Hold) => Outside,
	): TypeScriptHands {
		const { module, user } = configuration;
		const judge = new Judge(permissionsIn(folder));
		const source = readChecker(join(folder, "bin"), settings.exec);
		const clock = this.#clock;
		return {
			add: () => {
				const checker = this.#started.add({ group: module, ...source });
				return {
					declared: () => clock.during(() => checker.declared()),
					run: (input, _, judged, timeoutMs) =>
						clock.during((hold) => checker.run(input, outside(hold), judged, timeoutMs)),
					remove: () => checker.remove(),
				};
			},
			outside: outside({ asleep: (virtual) => virtual }),
			judge,
			module,
			variables: Object.fromEntries((user?.vars ?? []).map(({ name, value }) => [name, value])),
		};
	}

	async close(): Promise<void> {
		await this.#sandbox?.close();
	}

	get #started(): Sandbox {
		if (this.#sandbox !== null) return this.#sandbox;
		const folder = join(this.#folder, "sandbox");
		mkdirSync(folder, { recursive: true, mode: 0o711 });
		this.#sandbox = new Sandbox({ system: platform().sandbox, clock: this.#clock, folder, report: this.#report });
		return this.#sandbox;
	}
}

/** What module.json asks for; nothing without one, or with one that `module check` refuses. */
function permissionsIn(folder: string): Permissions {
	const file = join(folder, manifestName);
	try {
		const read = readManifest(readFileSync(file), file);
		return "manifest" in read ? read.manifest.permissions : noPermissions;
	} catch {
		return noPermissions;
	}
}
