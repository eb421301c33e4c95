/** The sandbox of this server, and what of the server its checkers reach. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TypeScriptHands } from "../checkers/typescript.ts";
import type { ProcessTable } from "../checkers/watched/table.ts";
import { systemClock } from "../log/clock.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import { manifestName, readManifest } from "../module/package/manifest.ts";
import type { Paths } from "../module/paths.ts";
import type { CheckerSettings } from "../module/settings/checkers.ts";
import { platform } from "../platform/index.ts";
import { Judge, noPermissions, type Permissions } from "../sandbox/permissions.ts";
import { CheckerFiles } from "../sandbox/reader/reader.ts";
import { realOutside } from "../sandbox/real/outside.ts";
import { Sandbox } from "../sandbox/sandbox.ts";
import { isTypeScriptChecker } from "../sandbox/sources.ts";
import type { ModuleRuntime } from "./runtime.ts";
import type { Report } from "./world.ts";

/** One for all modules (design §8). */
let sandbox: Sandbox | undefined;

function theSandbox(paths: Paths, report: Report): Sandbox {
	if (sandbox !== undefined) return sandbox;
	const folder = join(paths.run, "sandbox");
	mkdirSync(folder, { recursive: true, mode: 0o711 });
	sandbox = new Sandbox({ system: platform().sandbox, clock: systemClock, folder, report });
	return sandbox;
}

/** The files of each module's checkers, as they were when its configuration came into force. */
const files = new Map<string, CheckerFiles>();

/** A configuration is in force: if it has such checkers, their process is there before the module starts. */
export function prepareSandbox({ module, checkers }: ModuleConfiguration, paths: Paths, report: Report): void {
	const execs = checkers.flatMap((each) =>
		each.kind === "custom" && isTypeScriptChecker(each.exec) ? [each.exec] : [],
	);
	if (execs.length === 0) {
		files.delete(module);
		return;
	}
	files.set(module, new CheckerFiles(paths.module(module).userBin, [...new Set(execs)]));
	theSandbox(paths, report).warm();
}

/** @throws SafekitError when the files in force are no checker. */
export async function typescriptHands(
	{ paths, report, table }: { paths: Paths; report: Report; table: ProcessTable },
	settings: Extract<CheckerSettings, { kind: "custom" }>,
	runtime: () => ModuleRuntime,
): Promise<TypeScriptHands> {
	const { module, user } = runtime().configuration;
	const { userBin: bin, active } = paths.module(module);
	const judge = new Judge(permissionsIn(active));
	if (!files.has(module)) prepareSandbox(runtime().configuration, paths, report);
	const source = (await files.get(module)?.of(settings.exec)) ?? { entry: settings.exec, files: [] };
	return {
		add: () => theSandbox(paths, report).add({ group: module, ...source }),
		outside: realOutside({
			...{ judge, bin, table, now: () => systemClock.wallMs() },
			resource: (name) => runtime().resources.get(name)?.value ?? null,
		}),
		judge,
		module,
		variables: Object.fromEntries((user?.vars ?? []).map(({ name, value }) => [name, value])),
	};
}

/** Those of the configuration in force; a package without module.json has none. */
function permissionsIn(active: string): Permissions {
	const file = join(active, manifestName);
	try {
		const read = readManifest(readFileSync(file), file);
		return "manifest" in read ? read.manifest.permissions : noPermissions;
	} catch {
		return noPermissions;
	}
}
