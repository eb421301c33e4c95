/** `module sign` and `module verify`; need no server. */
import type { Command } from "commander";
import { SafekitError } from "../../errors.ts";
import { pathsFrom } from "../../module/paths.ts";
import { newKey } from "../../module/signing/keys.ts";
import { signFile, verifyFile } from "../../module/signing/sign.ts";
import { printJson } from "../call.ts";
import { type Context, inFolder, type ModuleOptions, plainCommand } from "../groups.ts";

interface SignOptions extends ModuleOptions {
	key?: string;
	newKey?: string;
	output?: string;
}

export function sign(group: Command, context: Context): void {
	plainCommand(
		group,
		"sign [file]",
		"sign a package, so that servers can tell who made it and that nobody changed it",
		["module sign --new-key ~/me.key", "module sign mydb.safe --key ~/me.key"],
	)
		.option("--key <file>", "your private key")
		.option("--new-key <file>", "make a pair of keys: FILE (0600, keep it for yourself) and FILE.pub (give it away)")
		.option("-o, --output <file>", "write the signed package there (default: into the same file)")
		.action((file: string | undefined, options: SignOptions) => run(context, file, options));
	plainCommand(group, "verify <file>", "say who signed a package, and whether its bytes are those that were signed", [
		"module verify mydb.safe",
		"module verify mydb.safe --key author.pub",
	])
		.option("--key <file>", "the author's public key (default: the keys that this server trusts)")
		.action((file: string, options: SignOptions) => check(context, file, options));
}

async function run(context: Context, file: string | undefined, options: SignOptions): Promise<void> {
	const { call } = context;
	if (
		file === undefined ? options.newKey === undefined : (options.key === undefined) === (options.newKey === undefined)
	) {
		throw new SafekitError("USAGE", "`module sign` needs a package and --key, or --new-key", {
			remedy: "`safekit module sign --help` has examples.",
		});
	}
	const made = options.newKey === undefined ? null : await newKey(inFolder(context, options.newKey));
	if (made !== null && !options.json) {
		call.out(`${options.newKey}: keep it for yourself; ${options.newKey}.pub: give it to those who install\n`);
		call.out(`Fingerprint ${made.fingerprint}\n`);
	}
	if (file === undefined) {
		if (options.json) printJson(call, { key: options.newKey, fingerprint: made?.fingerprint });
		return;
	}
	const key = inFolder(context, options.key ?? (options.newKey as string));
	const path = inFolder(context, file);
	const signed = await signFile(path, options.output === undefined ? path : inFolder(context, options.output), key);
	if (options.json) return printJson(call, signed);
	call.out(`${signed.file}: ${signed.name} ${signed.version} is signed (${signed.fingerprint})\n`);
}

async function check(context: Context, file: string, options: SignOptions): Promise<void> {
	const { call } = context;
	const key = options.key === undefined ? null : inFolder(context, options.key);
	const verified = await verifyFile(pathsFrom(process.env), inFolder(context, file), key);
	if (options.json) return printJson(call, { ok: true, ...verified });
	const who = verified.trustedAs === null ? "this key" : `${verified.trustedAs}, whom this server trusts`;
	call.out(`${file}: ${verified.name} ${verified.version}, as it was signed by ${who} (${verified.fingerprint})\n`);
}
