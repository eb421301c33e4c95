/** `safekit kill`: signals processes by name and arguments, as older scripts do (spec/03 §7, spec/04 §3). */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { ProcessSystem } from "../checkers/watched/system.ts";
import { SafekitError } from "../errors.ts";
import { Ere } from "../schema/ere/ere.ts";
import { printJson } from "./call.ts";
import { type Context, type ModuleOptions, moduleCommand } from "./groups.ts";

const levels = ["test", "terminate", "9", "15"] as const;
type Level = (typeof levels)[number];

interface Wanted {
	name: string;
	arguments: Ere | null;
	level: Level;
}

/** After TERM, processes have this long before they are killed. */
const graceMs = 5000;
const pollMs = 100;
const longestParents = 64;

export function kill(program: Command, context: Context): void {
	moduleCommand(program, "kill [words...]", "end processes by their name and arguments", [
		"kill -name=myserver -level=test",
		'kill -name=java -argregex="-Dname=shop( |$)" -level=terminate',
	])
		.allowUnknownOption()
		.addHelpText(
			"after",
			`
Options of its own, with one dash or two:
  -name=NAME       name of the command (without its path; longer names count up to 15 characters)
  -argregex=ERE    POSIX extended regular expression on the whole argument list
  -level=LEVEL     test: print them (exit code 1 if there are none); terminate: SIGTERM, and SIGKILL to what
                   is left after 5 s; 15: SIGTERM; 9: SIGKILL
The command that calls, and what called it, are never meant.
`,
		)
		.action(async (words: string[], options: ModuleOptions) => {
			await end(context, options, wantedOf(words));
		});
}

function wantedOf(words: string[]): Wanted {
	const given = new Map<string, string>();
	for (const word of words) {
		const match = /^--?(name|argregex|level)=(.*)$/s.exec(word);
		if (match === null) throw usage(`'${word}' means nothing after kill`);
		given.set(match[1] as string, match[2] as string);
	}
	const [name, ere, level] = ["name", "argregex", "level"].map((each) => given.get(each));
	const known = levels.find((each) => each === level);
	if (!name) throw usage("kill needs -name");
	if (known === undefined) throw usage(`-level is '${level ?? ""}'`);
	return { name, arguments: ere === undefined ? null : expression(ere), level: known };
}

function usage(message: string): SafekitError {
	return new SafekitError("USAGE", `${message}; expected -name=NAME [-argregex=ERE] -level=${levels.join("|")}.`);
}

function expression(text: string): Ere {
	try {
		return new Ere(text);
	} catch (error) {
		throw new SafekitError("USAGE", `-argregex is no POSIX expression: ${(error as Error).message}.`);
	}
}

async function end(context: Context, options: ModuleOptions, wanted: Wanted): Promise<void> {
	const { call, node } = context;
	const found = await matching(node.processes, wanted, call.pid);
	if (options.json) printJson(call, { level: wanted.level, processes: found });
	else if (wanted.level === "test") for (const one of found) call.out(`${one.pid} ${one.arguments || one.name}\n`);
	if (wanted.level === "test") {
		if (found.length === 0) context.exit = 1;
		return;
	}
	for (const { pid } of found) node.processes.signal(pid, wanted.level === "9" ? "SIGKILL" : "SIGTERM");
	if (wanted.level !== "terminate") return;
	let left = found.map(({ pid }) => pid);
	for (let waitedMs = 0; left.length > 0 && waitedMs < graceMs; waitedMs += pollMs) {
		await sleep(pollMs);
		left = left.filter((pid) => node.processes.isRunning(pid));
	}
	if (left.length === 0) return;
	// A number that was given to another process meanwhile has another name or other arguments.
	const still = new Set((await matching(node.processes, wanted, call.pid)).map(({ pid }) => pid));
	for (const pid of left) if (still.has(pid)) node.processes.signal(pid, "SIGKILL");
}

async function matching(
	system: ProcessSystem,
	wanted: Wanted,
	caller: number,
): Promise<{ pid: number; name: string; arguments: string }[]> {
	const own = new Set([1, process.pid, ...ancestors(system, caller)]);
	const short = wanted.name.slice(0, system.nameLimit);
	return [...(await system.names())].flatMap(([pid, name]) => {
		if (name !== short || own.has(pid) || !system.isRunning(pid)) return [];
		const listed = system.argumentsOf(pid);
		return wanted.arguments === null || wanted.arguments.test(listed) ? [{ pid, name, arguments: listed }] : [];
	});
}

/** The process itself, its parent, and so on. */
function ancestors(system: ProcessSystem, pid: number): number[] {
	const found: number[] = [];
	for (let one: number | null = pid; one !== null && one > 1 && found.length < longestParents; ) {
		found.push(one);
		one = system.parentOf(one);
	}
	return found;
}
