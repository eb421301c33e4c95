/** A server on which a template is installed, with a `systemctl` and a `$SAFE/safekit` that write down what they are told. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { type Paths, pathsFrom } from "../../core/module/paths.ts";
import { scriptEnvironment } from "../../core/scripts/environment.ts";
import { installSafebin } from "../../core/scripts/safebin.ts";
import { makeTestFolder } from "../folder.ts";

export const templates = join(import.meta.dirname, "../../module-templates");

/**
 * Units are files that hold their state. `<unit>.start` and `<unit>.stop` hold the state after such a command, where it
 * is another than active and inactive, then the states of the next looks, one a line; `fail` makes the command fail.
 * `<unit>.pid` holds the number of its main process.
 */
const systemctl = `#!/bin/bash
cd "$(dirname "$0")/units" || exit 9
command=$1; shift
args=()
for a in "$@"; do
	[[ $a == --signal=* ]] && signal=\${a#*=}
	[[ $a == --* ]] || args+=("$a")
done
unit=\${args[0]}
echo "$command \${args[*]}" >> ../commands
case $command in
	list-unit-files) for f in *.service; do printf '%-40s enabled enabled\\n' "$f"; done ;;
	disable) [ -e "$unit" ] || [ -e "\${unit%%@*}@.service" ] ;;
	is-active)
		state=$(head -n 1 "$unit" 2>/dev/null || echo inactive)
		[ "$(wc -l < "$unit" 2>/dev/null)" -gt 1 ] 2>/dev/null && sed -i 1d "$unit"
		echo "$state"
		[ "$state" = active ]
		;;
	start | stop)
		plan=$unit.$command
		if [ -e "$plan" ]; then
			[ "$(head -n 1 "$plan")" = fail ] && { echo "Job for $unit failed." >&2; exit 1; }
			cat "$plan" > "$unit"
		elif [ "$command" = start ]; then echo active > "$unit"; else echo inactive > "$unit"; fi
		;;
	show)
		pid=$(cat "$unit.pid" 2>/dev/null)
		# Dead is dead, whoever has not looked yet.
		grep -q '^State:.[^ZX]' "/proc/\${pid:-0}/status" 2>/dev/null && echo "$pid" || echo 0
		;;
	kill) kill -s "$signal" "$(cat "$unit.pid")" ;;
	*) exit 9 ;;
esac
`;

export interface Run {
	code: number | null;
	out: string;
}

export interface Server {
	paths: Paths;
	top: string;
	bin: string;
	/** Runs a script with the environment that the product gives it. */
	run(script: string, args?: string[], vars?: Record<string, string>): Run;
	unit(name: string, states: string): void;
	state(name: string): string;
	/** Commands that changed something, since the last question. */
	commands(): string[];
	/** Calls of `safekit`, since the last question. */
	calls(): string[];
	/** What `config` makes of the variables. */
	safeconf(vars: Record<string, string>): void;
}

export async function server(t: ExecutionContext, template: string): Promise<Server> {
	const top = makeTestFolder("template");
	t.teardown(() => rmSync(top, { recursive: true, force: true }));
	const paths = pathsFrom({ SAFE: join(top, "safe"), SAFEVAR: join(top, "var") });
	const { userBin, userConf, userVar } = paths.module("app");
	const fake = join(top, "fake");
	for (const folder of [userConf, userVar, join(fake, "units")]) mkdirSync(folder, { recursive: true });
	cpSync(join(templates, template, "bin"), userBin, { recursive: true });
	await installSafebin(paths.safebin, process.execPath);
	writeFileSync(join(fake, "systemctl"), systemctl, { mode: 0o755 });
	const safekit = `#!/bin/sh\n{ printf '%s' "$1"; shift; for a in "$@"; do printf '|%s' "$a"; done; echo; } >> ${top}/calls\n`;
	writeFileSync(join(paths.safe, "safekit"), safekit, { mode: 0o755 });
	const taken = (file: string): string[] => {
		if (!existsSync(file)) return [];
		const lines = readFileSync(file, "utf8").trimEnd().split("\n");
		rmSync(file);
		return lines;
	};
	return {
		paths,
		top,
		bin: userBin,
		run(script, args = [], vars = {}) {
			const list = Object.entries({ PATH: `${fake}:/usr/sbin:/usr/bin:/sbin:/bin`, ...vars });
			const about = { paths, module: "app", script, vars: list.map(([name, value]) => ({ name, value })) };
			const env = scriptEnvironment(about, { LANG: "C" }, "/usr/bin:/bin");
			const result = spawnSync(join(userBin, script), args, { cwd: userBin, env, encoding: "utf8", timeout: 120_000 });
			return { code: result.status, out: result.stdout + result.stderr };
		},
		unit: (name, states) => writeFileSync(join(fake, "units", name), `${states}\n`),
		state: (name) => readFileSync(join(fake, "units", name), "utf8").trim(),
		commands: () => taken(join(fake, "commands")).filter((line) => /^(start|stop|disable|kill)/.test(line)),
		calls: () => taken(join(top, "calls")),
		safeconf: (vars) => {
			const all = Object.entries(vars).map(([name, value]) => `<var name="${name}" value="${value}"/>`);
			writeFileSync(
				join(userConf, "safeconf.xml"),
				`<safe><service mode="mirror"><user>${all.join("")}</user></service></safe>`,
			);
		},
	};
}
