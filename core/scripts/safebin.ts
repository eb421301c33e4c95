/**
 * The programs of SAFEBIN (spec/03 §7, spec/09 §5): `xpathGet`, `logI18nMSG`, `boundcmd`, `gencron`, which is all
 * that published packages and the guide's scripts call on Linux. Left out: `processtree` (internal to the existing
 * product), `saferpc_send` (load balancing of farms) and the tools that exist on Windows only.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const sources = join(import.meta.dirname, "bin");

/**
 * Writes the programs into `folder`, complete or not at all, one after the other; a second time replaces them, so
 * that they follow the product when it is moved or updated. They need nothing in their environment.
 * `node`: absolute path of the Node that runs the product. Returns the names, sorted.
 */
export async function installSafebin(folder: string, node: string): Promise<string[]> {
	await mkdir(folder, { recursive: true, mode: 0o755 });
	const names: string[] = [];
	for (const file of (await readdir(sources)).sort()) {
		const source = join(sources, file);
		const name = file.replace(/\.ts$/, "");
		const text =
			name === file ? await readFile(source, "utf8") : `#!/bin/sh\nexec ${quoted(node)} ${quoted(source)} "$@"\n`;
		await replaceFile(join(folder, name), text);
		names.push(name);
	}
	return names;
}

/** For /bin/sh. */
function quoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A program that a script is just calling is never half written. */
async function replaceFile(file: string, text: string): Promise<void> {
	const next = `${file}.${randomUUID()}`;
	try {
		await writeFile(next, text, { mode: 0o755 });
		await rename(next, file);
	} finally {
		await rm(next, { force: true });
	}
}
