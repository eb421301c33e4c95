/** The whole command line: parses the words of a call, runs the command, and turns what happens into an exit code. */
import { Command, CommanderError } from "commander";
import { coreVersion } from "../engine/version.ts";
import { asSafekitError, exitCode, SafekitError } from "../errors.ts";
import { errorAsJson, errorAsText } from "../log/errorTexts.ts";
import { type Call, printJson } from "./call.ts";
import type { NodeControl } from "./control.ts";
import { readDistributed } from "./distributed/read.ts";
import type { Context, Group } from "./groups.ts";

const afterHelp = `
On other servers:
  safekit -H SERVERS COMMAND    give a command to servers: "*", "node1,node2", "[http:9010],host1" or URLs
  safekit -H SERVERS -G         bring cluster.xml and the cluster's key to them
  safekit -H SERVERS -E MODULE  install and configure a module of this server on them

Examples:
  safekit state
  safekit start -m mirror
  safekit logview -m mirror
  safekit -H "*" state
  safekit -r processtree list all java   # a program of SAFEBIN
`;

/**
 * Runs one command with the given groups and returns its exit code (design §9). Never throws: errors go to stderr,
 * or as one object to stdout with `--json`. `node` null: only commands that need no daemon.
 */
export async function runProgram(call: Call, node: NodeControl | null, groups: readonly Group[]): Promise<number> {
	const context: Context = {
		call,
		exit: exitCode.ok,
		get node(): NodeControl {
			if (node === null) throw new SafekitError("INTERNAL", "This command needs the daemon.");
			return node;
		},
	};
	try {
		const { argv, remote } = call;
		if (remote !== undefined && remote.invitation !== null && argv[0] !== "take-cluster") {
			throw new SafekitError("REMOTE_REFUSED", "Only a first configuration is taken without the cluster's key.");
		}
		const asksHelp = argv.includes("--help");
		const distributed = asksHelp ? null : readDistributed(argv);
		if (distributed !== null) {
			if (remote !== undefined) throw new SafekitError("CLI_DISTRIBUTED", "A command for other servers is given once.");
			// Not needed where modules are started: it comes with TLS.
			const { runDistributed } = await import("./distributed/run.ts");
			return await runDistributed(call, context.node, distributed, (one) => runProgram(one, node, groups));
		}
		const program = buildProgram(context, groups);
		await program.parseAsync(rearrange(asksHelp ? withoutServers(argv) : argv), { from: "user" });
		return context.exit;
	} catch (error) {
		return failed(call, error);
	}
}

function failed(call: Call, error: unknown): number {
	if (error instanceof CommanderError) {
		if (error.exitCode === 0) return exitCode.ok;
		const message = error.message.replace(/^error: /, "");
		return failed(call, new SafekitError("USAGE", message));
	}
	if (call.argv.includes("--json")) printJson(call, errorAsJson(error));
	else call.err(errorAsText(error));
	return asSafekitError(error).exit;
}

function buildProgram(context: Context, groups: readonly Group[]): Command {
	const program = new Command("safekit");
	program
		.description("Keeps applications running on ordinary servers: replication, virtual addresses, restart.")
		.version(coreVersion, "--version", "print the version")
		.option("-p", "print the paths of this server")
		.helpCommand(true)
		.addHelpText("after", afterHelp);
	program.configureHelp({ showGlobalOptions: false, helpWidth: 110 });
	for (const group of groups) group(program, context);
	prepare(program, context.call);
	return program;
}

/** Nothing of commander's may end the process or print by itself: it runs in the daemon. */
function prepare(command: Command, call: Call): void {
	command.exitOverride();
	command.configureOutput({
		writeOut: (text) => call.out(text),
		writeErr: () => {},
		getOutHelpWidth: () => 110,
		getErrHelpWidth: () => 110,
		getOutHasColors: () => false,
		getErrHasColors: () => false,
	});
	for (const sub of command.commands) prepare(sub, call);
}

/** Help of a command is the same for all servers. */
function withoutServers(argv: string[]): string[] {
	if (argv[0] !== "-H") return argv;
	const command = argv.slice(2);
	return command[0]?.startsWith("-") ? ["--help"] : command;
}

/** `safekit -m AM start` is `safekit start -m AM`: options before the command's name go behind it. */
function rearrange(argv: string[]): string[] {
	if (argv[0] !== "-m" || argv[2] === undefined) return argv;
	return [argv[2], ...argv.slice(3), "-m", argv[1] as string];
}
