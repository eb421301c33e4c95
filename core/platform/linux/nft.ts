/** The `nft` command of nftables. */
import { execa } from "execa";

/** A busy machine needs a moment for what is usually done in 20 ms. */
const commandMs = 10_000;
/** What it says about a mistake, in the log. */
const longestReport = 500;

/** All commands in one transaction. Throws with nft's own words. */
export async function nftBatch(batch: string): Promise<void> {
	const { failed, said } = await nft(["-f", "-"], batch);
	if (failed) throw new Error(`nft: ${said}`);
}

/**
 * The tables of that name of all `families`, without what their sets hold; null if one of them is missing. One call for
 * each: nft 1.0.6 does not find the others in a batch.
 */
export async function nftTables(families: readonly string[], name: string): Promise<string | null> {
	const tables = await Promise.all(families.map((family) => nftTable(family, name)));
	return tables.includes(null) ? null : tables.join("\n");
}

async function nftTable(family: string, table: string): Promise<string | null> {
	const { failed, said, stdout } = await nft(["-n", "-t", "list", "table", family, table]);
	if (!failed && stdout.includes(`table ${family} ${table}`)) return stdout;
	if (!failed) throw new Error("the command `nft` is not that of nftables: it lists no tables");
	if (/No such file or directory/.test(said)) return null;
	throw new Error(`nft list table ${family} ${table}: ${said}`);
}

async function nft(args: string[], input = ""): Promise<{ failed: boolean; said: string; stdout: string }> {
	const result = await execa("nft", args, {
		input,
		timeout: commandMs,
		killSignal: "SIGKILL",
		reject: false,
		env: { LC_ALL: "C" },
	});
	if (result.code === "ENOENT") throw new Error("the command `nft` is missing (Debian package nftables)");
	const said = result.stderr || result.originalMessage || result.shortMessage || "it failed";
	return { failed: result.failed, said: said.trim().slice(0, longestReport), stdout: result.stdout };
}
