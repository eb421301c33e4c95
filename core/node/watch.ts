/** Puts the monitoring of a module together with this server: its processes, its network, its scripts. */
import { accessSync, constants, statSync } from "node:fs";
import { basename, extname, isAbsolute, join } from "node:path";
import type { ProgramHands } from "../checkers/custom.ts";
import { testOf } from "../checkers/probes/index.ts";
import { ProcessTable } from "../checkers/watched/table.ts";
import { SafekitError } from "../errors.ts";
import { systemClock } from "../log/clock.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { Paths } from "../module/paths.ts";
import type { CheckerSettings } from "../module/settings/checkers.ts";
import { platform } from "../platform/index.ts";
import { killScript } from "../scripts/kill.ts";
import { adoptScript, runProgram, type ScriptContext } from "../scripts/run.ts";
import type { ScriptRequest } from "../scripts/runner.ts";
import { monitored } from "./monitored.ts";
import { Monitoring } from "./monitoring.ts";
import type { LoadedPlugin } from "./plugins/load.ts";
import { pluginTest } from "./plugins/tests.ts";
import type { ModuleRuntime } from "./runtime.ts";
import { prepareSandbox, typescriptHands } from "./sandbox.ts";
import type { Report } from "./world.ts";

export interface WatchParts {
	paths: Paths;
	incarnation: string;
	report: Report;
	/** Those that are loaded. */
	plugins: readonly LoadedPlugin[];
}

/** Variable in the environment of a checker's program that says whose it is. */
const checkerVariable = "SAFECHECKER";
/** A special handler restarts things, and has as long as a stop script has by default. */
const handlerTimeoutMs = 300_000;
/** One for all modules: they share the looks. */
let table: ProcessTable | undefined;

export function monitoringFile(paths: Paths, module: string): string {
	return join(paths.run, `monitoring-${module}.json`);
}

export function monitoringOf(
	parts: WatchParts,
	configuration: ModuleConfiguration,
	runtime: () => ModuleRuntime,
): Monitoring {
	const { paths, report } = parts;
	const { addresses, ping, processes } = platform();
	const system = { ping, interfaces: () => addresses.interfaces(), whoHas: addresses.whoHas };
	table ??= new ProcessTable(processes);
	const processTable = table;
	prepareSandbox(configuration, paths, report);
	const { module } = configuration;
	return new Monitoring({
		...parts,
		clock: systemClock,
		configuration,
		file: monitoringFile(paths, module),
		test: (settings) =>
			settings.kind === "plugin" ? pluginTest(parts.plugins, module, settings) : testOf(settings, system, systemClock),
		table: processTable,
		program: (settings) => programOf(paths, settings, runtime),
		typescript: (settings) => typescriptHands({ paths, report, table: processTable }, settings, runtime),
		...monitored(runtime),
		handle: (handler, resource) => handle(paths, handler, resource, runtime),
		report,
	});
}

function contextOf(paths: Paths, runtime: () => ModuleRuntime): ScriptContext {
	const { scripts } = platform();
	return {
		system: scripts,
		paths,
		env: process.env,
		log: (level, text) => runtime().write("customcheck", level, text),
	};
}

/** The program of a custom checker: module, resource and its own words are its arguments (spec/02 §10). */
function programOf(
	paths: Paths,
	settings: Extract<CheckerSettings, { kind: "custom" }>,
	runtime: () => ModuleRuntime,
): ProgramHands {
	const { resource, exec, args } = settings;
	const { module } = runtime().configuration;
	const marker = `${paths.safevar}:${module}:${resource}`;
	const context = contextOf(paths, runtime);
	return {
		async start() {
			const path = programPath(paths, module, exec);
			const request = requestOf(runtime().configuration, exec, [module, resource, ...args]);
			const vars = [...request.vars, { name: checkerVariable, value: marker }];
			return await runProgram(path, { ...request, vars }, context);
		},
		adopt(noted) {
			const adopted = noted === null ? null : adoptScript({ ...noted, module, userlog: null }, context);
			if (adopted !== null) return adopted;
			const { leaderWith, processes } = platform();
			// What the program started has its environment too, and may be the application.
			const isIt = (pid: number): boolean => processes.argumentsOf(pid).includes(` ${module} ${resource}`);
			const found = leaderWith(checkerVariable, marker, isIt);
			return found === null ? null : adoptScript({ ...found, module, userlog: null }, context);
		},
		async end(program) {
			const left = await killScript(context.system, program);
			if (left.length > 0) context.log("E", `Processes of ${resource} cannot be killed: ${left.map(({ pid }) => pid)}`);
		},
	};
}

/** Runs a special handler to its end; true: it says that all is well. */
async function handle(paths: Paths, handler: string, resource: string, runtime: () => ModuleRuntime): Promise<boolean> {
	const { configuration } = runtime();
	const { module } = configuration;
	try {
		const path = programPath(paths, module, handler);
		const request = requestOf(configuration, handler, [module, resource]);
		const script = await runProgram(path, { ...request, timeoutMs: handlerTimeoutMs }, contextOf(paths, runtime));
		runtime().write("errd", "S", `Script ${request.script} > ${script.userlog ?? "no user log"}`);
		const { exitCode } = await script.ended;
		if (exitCode !== 0)
			runtime().write("errd", "E", `Handler ${handler} of ${resource} failed (${exitCode ?? "killed"})`);
		return exitCode === 0;
	} catch (error) {
		runtime().write("errd", "E", `Handler ${handler} of ${resource} could not be run: ${(error as Error).message}`);
		return false;
	}
}

/** @throws SafekitError SCRIPT_NOT_STARTED when there is no such program. */
function programPath(paths: Paths, module: string, exec: string): string {
	const path = isAbsolute(exec) ? exec : join(paths.module(module).userBin, exec);
	const why = !statSync(path, { throwIfNoEntry: false })?.isFile() ? "there is no such file" : whyNotExecutable(path);
	if (why !== null) throw new SafekitError("SCRIPT_NOT_STARTED", `${path}: ${why}`);
	return path;
}

function whyNotExecutable(path: string): string | null {
	try {
		accessSync(path, constants.X_OK);
		return null;
	} catch {
		return `it is not executable (chmod +x ${path})`;
	}
}

function requestOf({ module, user }: ModuleConfiguration, exec: string, args: string[]): ScriptRequest {
	const script = basename(exec, extname(exec)).replace(/\W/g, "_");
	const userlogSizeKb = user === null ? {} : { userlogSizeKb: user.userlogSizeKb };
	return {
		module,
		script,
		args,
		timeoutMs: null,
		vars: user?.vars ?? [],
		logging: user?.logging ?? true,
		...userlogSizeKb,
	};
}
