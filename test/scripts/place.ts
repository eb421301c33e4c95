/** A `$SAFE` and a `$SAFEVAR` of a test's own, with a module `app` whose scripts are written by the test. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ModulePaths, type Paths, pathsFrom } from "../../core/module/paths.ts";
import { linuxScripts } from "../../core/platform/linux/scripts.ts";
import type { ScriptContext } from "../../core/scripts/run.ts";
import type { ScriptRequest } from "../../core/scripts/runner.ts";
import { makeTestFolder } from "../folder.ts";

export interface Place {
	paths: Paths;
	module: ModulePaths;
	context: ScriptContext;
	/** What was written to the module's log: level and text. */
	log: string[];
	script(name: string, text: string, mode?: number): string;
	request(script: string, more?: Partial<ScriptRequest>): ScriptRequest;
	userlog(name: string | null | undefined): string;
	file(name: string): string;
	remove(): void;
}

export function makePlace(env: Record<string, string | undefined> = process.env): Place {
	const root = makeTestFolder("scripts");
	const paths = pathsFrom({ SAFE: join(root, "safe"), SAFEVAR: join(root, "var") });
	const module = paths.module("app");
	for (const folder of [module.userBin, module.userConf, module.userVar, paths.safebin]) {
		mkdirSync(folder, { recursive: true });
	}
	const log: string[] = [];
	return {
		paths,
		module,
		log,
		context: { system: linuxScripts, paths, env, log: (level, text) => log.push(`${level} ${text}`) },
		script(name, text, mode = 0o755) {
			const file = join(module.userBin, name);
			writeFileSync(file, text);
			chmodSync(file, mode);
			return file;
		},
		request: (script, more = {}) => ({
			module: "app",
			script,
			args: [],
			timeoutMs: null,
			vars: [],
			logging: true,
			...more,
		}),
		userlog: (name) => readFileSync(join(module.userVar, name ?? "none"), "utf8"),
		file: (name) => join(root, name),
		remove: () => rmSync(root, { recursive: true, force: true }),
	};
}

export async function until(what: () => boolean, budgetMs = 20_000): Promise<void> {
	const end = Date.now() + budgetMs;
	while (!what()) {
		if (Date.now() > end) throw new Error(`not within ${budgetMs} ms: ${what}`);
		await sleep(20);
	}
}

/** The number that a script wrote into a file. */
export async function pidIn(file: string): Promise<number> {
	await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"));
	return Number(readFileSync(file, "utf8"));
}

/** False also for a zombie that nobody has fetched yet. */
export function isAlive(pid: number): boolean {
	try {
		return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
	} catch {
		return false;
	}
}

export function userlogs(place: Place): string[] {
	return readdirSync(place.module.userVar)
		.filter((name) => name.endsWith(".ulog"))
		.sort();
}
