/** `module trust`: whose packages this server accepts. */
import type { Command } from "commander";
import { SafekitError } from "../../errors.ts";
import { acceptSignedOnly, distrustKey, readTrust, type Trust, trustKey } from "../../module/signing/trust.ts";
import { printJson, table } from "../call.ts";
import { type Context, inFolder, type ModuleOptions, plainCommand } from "../groups.ts";

interface TrustOptions extends ModuleOptions {
	add?: string;
	as?: string;
	remove?: string;
	signedOnly?: string;
}

export function trust(group: Command, context: Context): void {
	plainCommand(group, "trust", "whose packages this server accepts", [
		"module trust",
		"module trust --add author.pub",
		"module trust --signed-only on      # unsigned packages are refused from now on",
	])
		.option("--add <file>", "trust a public key, as `module sign --new-key` makes it")
		.option("--as <name>", "with --add: the name to show (default: the file's)")
		.option("--remove <name>", "trust a key no more")
		.option("--signed-only <on|off>", "accept only packages that a trusted key has signed")
		.option("--dry-run", "change nothing")
		.action((options: TrustOptions) => run(context, options));
}

async function run(context: Context, options: TrustOptions): Promise<void> {
	const { paths } = context.node;
	const { signedOnly } = options;
	if (signedOnly !== undefined && signedOnly !== "on" && signedOnly !== "off") {
		throw new SafekitError("USAGE", `--signed-only is '${signedOnly}'; expected on or off`);
	}
	if (!options.dryRun) {
		if (options.add !== undefined) await trustKey(paths, inFolder(context, options.add), options.as);
		if (options.remove !== undefined) await distrustKey(paths, options.remove);
		if (signedOnly !== undefined) await acceptSignedOnly(paths, signedOnly === "on");
	}
	const now = await readTrust(paths);
	if (options.json) printJson(context.call, now);
	else show(context, now);
}

function show(context: Context, { signedOnly, keys, damaged }: Trust): void {
	const { call } = context;
	call.out(
		signedOnly ? "Only packages that one of these keys signed are accepted.\n" : "Unsigned packages are accepted.\n",
	);
	call.out(
		keys.length === 0 ? "No key is trusted.\n" : table(keys.map(({ name, fingerprint }) => [name, fingerprint])),
	);
	for (const { why } of damaged) call.err(`Not counted: ${why}\n`);
}
