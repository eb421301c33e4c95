/** Writing so that a power cut leaves the old or the new, never something between. */
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Replaces a file: the content is on the disk before the name points to it. */
export async function replaceFile(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
	const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
	try {
		await writeSynced(temporary, content, mode);
		await rename(temporary, path);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
	await syncFolder(dirname(path));
}

/** Removes what a crash left of `replaceFile` in a folder. */
export async function removeTemporaries(folder: string): Promise<void> {
	for (const name of await readdir(folder).catch(() => [])) {
		if (/^\..+\.[0-9a-f]{12}\.tmp$/.test(name)) await removeTree(join(folder, name));
	}
}

/** Writes a new file and waits until the disk has it. */
export async function writeSynced(path: string, content: Uint8Array | string, mode: number): Promise<void> {
	const file = await open(path, "wx", mode);
	try {
		await file.writeFile(content);
		// open() takes the umask into account, scripts need their x bit.
		await file.chmod(mode);
		await file.sync();
	} finally {
		await file.close();
	}
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, "r");
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

/** Makes the names of a folder and of all folders below it durable. */
export async function syncTree(path: string): Promise<void> {
	for (const entry of await readdir(path, { withFileTypes: true })) {
		if (entry.isDirectory()) await syncTree(join(path, entry.name));
	}
	await syncFolder(path);
}

/** Renames within one file system, durably. */
export async function moveDurably(from: string, to: string): Promise<void> {
	await rename(from, to);
	await syncFolder(dirname(to));
}

export async function makeFolder(path: string, mode = 0o755): Promise<void> {
	await mkdir(path, { recursive: true, mode });
}

export async function removeTree(path: string): Promise<void> {
	await rm(path, { recursive: true, force: true });
}
