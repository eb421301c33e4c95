/** What people get wrong beyond the language itself: `module check`, `confcheck` and `config` tell it. */
import type { Cluster } from "../../cluster/cluster.ts";
import type { Problem } from "../../errors.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { ModuleConfiguration } from "../configuration.ts";
import type { Inspection } from "../inspect.ts";
import { addressAdvice } from "./addresses.ts";
import { farmAdvice } from "./farm.ts";
import { isForWindows, isScript, type ModuleFile } from "./files.ts";
import { advisedModule, type PluginAdvice } from "./plugins.ts";
import { processAdvice, serviceAdvice } from "./processes.ts";
import { programAdvice, programFiles } from "./programs.ts";
import { ruleAdvice } from "./rules.ts";
import { scriptAdvice } from "./scripts.ts";
import type { ServerFacts } from "./server.ts";

/** The server on which a module is configured. */
export interface OnServer {
	facts: ServerFacts | undefined;
	cluster: Cluster | undefined;
	others: readonly ModuleConfiguration[];
	inForce: ModuleConfiguration | null;
}

/** What is searched for names of resources: files up to this size, and as much of all together. */
const maxFileBytes = 1 << 20;
const maxSearchedBytes = 16 << 20;

/**
 * Adds what concerns userconfig.xml to the report of `inspection`; the rest comes back. `base`: the package or folder
 * in messages; `server` null: only the package is at hand.
 */
export async function advise(
	inspection: Inspection,
	files: readonly ModuleFile[],
	base: string,
	server: OnServer | null,
	pluginAdvice?: PluginAdvice,
): Promise<Problem[]> {
	const { read, configuration } = inspection;
	if (read === undefined || configuration === undefined) return scriptAdvice(files, base, new Set());
	if (configuration.user === null) unusedScripts(read, files);
	processAdvice(read, server === null && isForWindows(files));
	await programAdvice(read, files, server !== null);
	let scripts: Promise<Buffer> | undefined;
	await ruleAdvice(read, configuration, async (text) => {
		scripts ??= textOf(files);
		return (await scripts).includes(text);
	});
	if (configuration.mode === "farm") farmAdvice(read, server?.cluster);
	if (server !== null) {
		const interfaces = (await server.facts?.interfaces().catch(() => [])) ?? [];
		addressAdvice(read, { ...server, interfaces });
		if (server.facts !== undefined) await serviceAdvice(read, server.facts);
	}
	const ofPlugins = pluginAdvice === undefined ? [] : await pluginAdvice(await advisedModule(read, files), base);
	return [...(await scriptAdvice(files, base, programFiles(read.service))), ...ofPlugins];
}

/** Without `<user>` no script is run (spec/02 §7). */
function unusedScripts(read: Userconfig, files: readonly ModuleFile[]): void {
	const script = files.find(({ name }) => isScript(name.replace(/\.(ps1|cmd|bat|vbs|exe)$/i, "")));
	if (script === undefined) return;
	read.report.add("CONFIG_MISSING", `<service> has no <user>: ${script.name} is never run`, read.service.xml, {
		severity: "warning",
		expected: "<user/>",
		remedy: "Add <user/> to <service>.",
	});
}

/** The files of bin/, one after the other. */
async function textOf(files: readonly ModuleFile[]): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	let left = maxSearchedBytes;
	for (const file of files) {
		if (!file.name.startsWith("bin/")) continue;
		const bytes = await file.content();
		if (bytes.length > maxFileBytes || bytes.length > left) continue;
		left -= bytes.length;
		parts.push(bytes);
	}
	return Buffer.concat(parts);
}
