/** The environment of scripts (spec/03 §5, spec/09 §3). */
import { delimiter } from "node:path";
import type { UserConfiguration } from "../module/configuration.ts";
import type { Paths } from "../module/paths.ts";

/** What belongs to the daemon as a process, and would mislead a program that a script starts. */
const ownNames =
	/^(NODE_.*|npm_.*|INIT_CWD|NOTIFY_SOCKET|WATCHDOG_(USEC|PID)|LISTEN_(PID|FDS|FDNAMES)|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MAINPID|FORCE_COLOR|SERVICES|_|PWD|OLDPWD|SHLVL)$/;

/** Variables that every script gets, whatever `<user><var>` says. */
export function safekitVariables(paths: Paths, module: string): Record<string, string> {
	const own = paths.module(module);
	return {
		SAFE: paths.safe,
		SAFEVAR: paths.safevar,
		SAFEBIN: paths.safebin,
		SAFEMODULE: module,
		SAFEUSERBIN: own.userBin,
		SAFEUSERCONF: own.userConf,
		SAFEUSERVAR: own.userVar,
	};
}

/**
 * The whole environment of one run: what the daemon has from the system (language and time zone as they are), root's
 * full PATH, the module's `<var>`s unless it is a `_rfs_*` callback, and the product's own variables.
 */
export function scriptEnvironment(
	about: { paths: Paths; module: string; script: string; vars: UserConfiguration["vars"] },
	inherited: Readonly<Record<string, string | undefined>>,
	searchPath: string,
): Record<string, string> {
	const system = Object.entries(inherited).filter(
		(entry): entry is [string, string] => entry[1] !== undefined && !ownNames.test(entry[0]),
	);
	const vars = about.script.startsWith("_rfs_") ? [] : about.vars.map(({ name, value }) => [name, value]);
	return {
		// systemd gives its services none of these, and many programs expect them.
		HOME: "/root",
		USER: "root",
		LOGNAME: "root",
		SHELL: "/bin/sh",
		...Object.fromEntries(system),
		// Older scripts call `safekit` by its bare name (spec/03 §9).
		PATH: fullPath(`${inherited.PATH ?? ""}${delimiter}${about.paths.safe}`, searchPath),
		...Object.fromEntries(vars),
		...safekitVariables(about.paths, about.module),
	};
}

/** The standard directories first, then what else the daemon was given, without those of npm. */
function fullPath(inherited: string, searchPath: string): string {
	const own = inherited.split(delimiter).filter((folder) => folder.startsWith("/") && !folder.includes("node_modules"));
	return [...new Set([...searchPath.split(delimiter), ...own])].join(delimiter);
}
