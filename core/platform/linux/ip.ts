/** The `ip` command of iproute2. */
import { execa } from "execa";

const commandMs = 5000;

/** Runs `ip` and returns what it prints; throws with its own words. Bounded in time. */
export async function ip(...args: string[]): Promise<string> {
	const result = await execa("ip", args, {
		timeout: commandMs,
		killSignal: "SIGKILL",
		reject: false,
		env: { LC_ALL: "C" },
	});
	if (!result.failed) return result.stdout;
	if (result.code === "ENOENT") throw new Error("the command `ip` is missing (Debian package iproute2)");
	const why = result.stderr || result.originalMessage || result.shortMessage || "it failed";
	throw new Error(`ip ${args.join(" ")}: ${why.replace(/^(RTNETLINK answers|Error): /, "").trim()}`);
}
