/** `module try`: a module on two servers made on this machine. The lab stands beside the SDK, and is a program of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Command } from "commander";
import { exitCode } from "../../errors.ts";
import { type Context, inFolder, type ModuleOptions, plainCommand } from "../groups.ts";

const program = join(import.meta.dirname, "../../../sdk/try/main.ts");

interface TryOptions extends ModuleOptions {
	once?: boolean;
}

export function tryModule(group: Command, context: Context): void {
	plainCommand(group, "try <path>", "run a module's folder or package on two servers made on this machine", [
		"module try mymodule",
		"module try mymodule.safe --once --json",
	])
		.option("--once", "start, cut the power of the first server, let it return, stop, and end")
		.addHelpText(
			"after",
			`
Linux, as root: the servers are namespaces with this machine's own programs and services, and disappear at the end. The
module's real scripts run there. At a terminal the servers stay until Ctrl-C, and Enter cuts the power of the one that
runs the application; a script gets what --once does. Services that the module starts must be installed here.
`,
		)
		.action((path: string, options: TryOptions) => run(context, path, options));
}

async function run(context: Context, path: string, options: TryOptions): Promise<void> {
	const words = [
		...(options.once ? ["--once"] : []),
		...(options.json ? ["--json"] : []),
		"--",
		inFolder(context, path),
	];
	const child = spawn(process.execPath, [program, ...words], { stdio: "inherit" });
	const [code] = (await once(child, "exit")) as [number | null];
	context.exit = code ?? exitCode.failed;
}
