/**
 * The programs of SAFEBIN (spec/03 §7, spec/09 §5 and §9) that published packages and scripts call on Linux: `xpathGet`,
 * `logI18nMSG`, `boundcmd`, `gencron`, `processtree`, `errdpoll_running`, `saferpc_send`, `vip_if_ctrl`,
 * `webservercfg`. Left out: `safeenc`, and the tools that exist on Windows only.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, removeTemporaries, replaceFile } from "../module/files.ts";

const sources = join(import.meta.dirname, "bin");

/**
 * Writes the programs into `folder`. Each is complete or not there, also for a script that is just calling it; a
 * second time replaces them, so that they follow the product when it is moved. They need nothing in their environment.
 * `node`: absolute path of the Node that runs the product. Returns the names, sorted.
 */
export async function installSafebin(folder: string, node: string): Promise<string[]> {
	await makeFolder(folder);
	await removeTemporaries(folder);
	const names: string[] = [];
	for (const file of (await readdir(sources)).sort()) {
		const source = join(sources, file);
		const name = file.replace(/\.ts$/, "");
		const text =
			name === file ? await readFile(source, "utf8") : `#!/bin/sh\nexec ${quoted(node)} ${quoted(source)} "$@"\n`;
		await replaceFile(join(folder, name), text, 0o755);
		names.push(name);
	}
	return names;
}

/** For /bin/sh. */
function quoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}
