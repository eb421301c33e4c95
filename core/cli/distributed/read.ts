/** What a command line with `-H` asks for (spec/04 §5 and §7). Pure. */
import { SafekitError } from "../../errors.ts";

export type Distributed = {
	/** As given after -H. */
	hosts: string;
	json: boolean;
	dryRun: boolean;
} & (
	| { push: "command"; argv: string[] }
	/** `-G`: configuration and key of the cluster. */
	| { push: "cluster" }
	/** `-E AM`: the module, installed and configured. */
	| { push: "module"; module: string; yes: boolean }
);

const usage =
	'expected `safekit -H SERVERS COMMAND`, `safekit -H SERVERS -G` or `safekit -H SERVERS -E MODULE`, with SERVERS as in "*" or "node1,node2"';
/** Commands that end only with who gave them, and those that need a person's own server. */
const localOnly = new Set(["logview", "-p", "-r", "-H", "-G", "-E", "take-cluster", "take-module"]);

/** Null: an ordinary command. @throws SafekitError USAGE, CLI_DISTRIBUTED. */
export function readDistributed(argv: readonly string[]): Distributed | null {
	// The guide prints this form too.
	const words = argv[0] === "config" && argv.includes("-H") && argv.includes("-E") ? argv.slice(1) : argv;
	if (!["-H", "-G", "-E"].includes(words[0] ?? "")) return null;
	const found = leading(words);
	const { hosts, command, ...rest } = found;
	if (hosts === undefined) throw wrong(`${words[0]} needs -H`);
	if (rest.module !== undefined || rest.cluster) {
		const extra = command[0] ?? (rest.module !== undefined && rest.cluster ? "-G beside -E" : undefined);
		if (extra !== undefined) throw wrong(`'${extra}' is too much`);
	}
	const common = { hosts, json: rest.json || command.includes("--json"), dryRun: rest.dryRun };
	if (rest.cluster) return { ...common, push: "cluster" };
	if (rest.module !== undefined) return { ...common, push: "module", module: rest.module, yes: rest.yes };
	const [first] = command;
	if (first === undefined) throw wrong("-H needs a command");
	if (localOnly.has(first) || (first === "state" && command.includes("--watch"))) {
		const what = first === "state" ? "state --watch" : first;
		throw new SafekitError("CLI_DISTRIBUTED", `'${what}' cannot be given to other servers.`);
	}
	const options = [rest.json ? "--json" : "", rest.dryRun ? "--dry-run" : ""].filter(Boolean);
	return { ...common, push: "command", argv: [...command, ...options] };
}

/** The options before the command. */
function leading(words: readonly string[]) {
	const found = {
		hosts: undefined as string | undefined,
		module: undefined as string | undefined,
		cluster: false,
		json: false,
		dryRun: false,
		yes: false,
		command: [] as string[],
	};
	const value = (at: number): string => {
		const text = words[at + 1];
		if (text === undefined) throw wrong(`${words[at]} needs a value`);
		return text;
	};
	let at = 0;
	for (; at < words.length; at++) {
		const word = words[at];
		if (word === "-H" && found.hosts !== undefined) throw wrong("-H stands twice");
		if (word === "-H") found.hosts = value(at++);
		else if (word === "-E") found.module = value(at++);
		else if (word === "-G") found.cluster = true;
		else if (word === "--json") found.json = true;
		else if (word === "--dry-run") found.dryRun = true;
		else if (word === "--yes" && found.module !== undefined) found.yes = true;
		else break;
	}
	found.command = words.slice(at);
	return found;
}

function wrong(message: string): SafekitError {
	return new SafekitError("USAGE", `${message}; ${usage}.`);
}
