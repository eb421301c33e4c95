/** Commands of the existing product that this version does not have: who types one hears so, and what to use. */
import type { Command } from "commander";
import { SafekitError } from "../errors.ts";
import type { Context } from "./groups.ts";

const missing: Record<string, string> = {
	snapshot: "Use `safekit logsave -A`, `safekit cmdlog` and `safekit state -v --json`.",
	dump: "Use `safekit logsave -A` and `safekit state -v --json`.",
	clean: "Logs are bounded by themselves; `safekit deconfig` removes what a stopped module left.",
	webserver: "There is no web console yet.",
	notification: "Watch the system log: `journalctl -t safekit`.",
	safeagent: "There is no SNMP agent.",
	uninstall: "Run `npm run unsetup` in the product's folder.",
};

export function later(program: Command, _context: Context): void {
	for (const [name, remedy] of Object.entries(missing)) {
		program
			.command(`${name} [words...]`, { hidden: true })
			.allowUnknownOption()
			.action(() => {
				throw new SafekitError("CLI_LATER", `This version has no command '${name}'.`, { remedy });
			});
	}
}
