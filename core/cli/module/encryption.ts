/** `module genkey` and `module delkey`: whether replication is encrypted. */
import type { Command } from "commander";
import { setEncryption } from "../../module/encryption.ts";
import { printJson } from "../call.ts";
import { type Context, type ModuleOptions, moduleCommand, moduleName } from "../groups.ts";

/** The switch of spec/04 §5, under the words that people know. */
export function encryption(group: Command, context: Context): void {
	for (const [word, what, on] of [
		["genkey", "encrypt what the module replicates, as it is by default", true],
		["delkey", "replicate without encryption; the servers still prove who they are", false],
	] as const) {
		moduleCommand(group, word, what, [`module ${word} -m mydb`])
			.option("--dry-run", "say what would be done, change nothing")
			.action(async (options: ModuleOptions) => {
				const name = moduleName(context, options);
				const state = on ? "on" : "off";
				if (options.dryRun) return context.call.out(`would turn the encryption of module ${name} ${state}\n`);
				await setEncryption(context.node.paths, name, on);
				if (options.json) printJson(context.call, { module: name, encryption: on });
				else {
					context.call.out(
						`The encryption of module ${name} will be ${state} after \`safekit config -m ${name}\` on both servers\n`,
					);
				}
			});
	}
}
