/** Copies of files and folders with all that belongs to them, made by `cp`, which knows more than Node does. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { execa } from "execa";

/** Complaints beyond this are cut off: thousands of files may fail for one reason. */
const saidBytes = 4000;

/**
 * Copies each pair, folders with everything below them; what is in the way is replaced. Names are bytes. Resolves with
 * what `cp` complains of ("" when all is copied).
 */
export async function copyTrees(copies: readonly { from: Buffer; to: Buffer }[], signal: AbortSignal): Promise<string> {
	const folders = new Set(copies.map(({ to }) => dirname(to.toString("latin1"))));
	for (const folder of folders) await mkdir(Buffer.from(folder, "latin1"), { recursive: true });
	const zero = Buffer.from([0]);
	const input = Buffer.concat(copies.flatMap(({ from, to }) => [from, zero, to, zero]));
	const copying = ["cp", "-a", "-T", "--remove-destination", "--"];
	const result = await execa("xargs", ["-0", "-r", "-n", "2", ...copying], {
		input,
		reject: false,
		cancelSignal: signal,
		env: { LC_ALL: "C" },
		maxBuffer: { stderr: saidBytes },
	});
	if (!result.failed) return "";
	if (result.isCanceled) return "it was interrupted";
	return result.stderr.trim() || (result.shortMessage ?? "cp failed");
}
