/**
 * What lies in quarantine, as a person looks at it, takes it back and drops it. Works on the folder itself, with or
 * without a replication process: the caller knows where it can be reached.
 */
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { SafekitError } from "../../errors.ts";
import { pathOfLabel } from "./labels.ts";
import { type Note, noteSuffix, readNote } from "./note.ts";

/** The quarantine of one replicated directory, and where it can be reached. */
export interface KeptFolder {
	dir: string;
	path: string;
}

/** What one loss left behind, in all replicated directories. */
export interface KeptEntry {
	entry: string;
	/** ISO 8601. */
	when: string;
	note: Note | null;
	files: number;
	bytes: number;
	/** Where it lies once the module is stopped. */
	directories: { dir: string; files: number; bytes: number }[];
}

/** One thing to be put back: bytes, because names need not be text. */
export interface Restored {
	from: Buffer;
	to: Buffer;
}

/** A copy that was cut off in the middle; the file that it was made of is still where it was. */
const unfinished = /\.part$/;
const shape = /^[0-9a-f]{16}$/;

/** Everything in the quarantines, oldest first. @throws SafekitError RFS_QUARANTINE when one cannot be read. */
export async function listKept(folders: readonly KeptFolder[]): Promise<KeptEntry[]> {
	const found = new Map<string, KeptEntry>();
	for (const { dir, path } of folders) {
		for (const entry of await entriesOf(path)) {
			const size = await sizeOf(join(path, entry));
			const note = await readFile(join(path, `${entry}${noteSuffix}`), "utf8").then(readNote, () => null);
			const when = note?.at ?? (await lstat(join(path, entry))).mtime.toISOString();
			const known = found.get(entry) ?? { entry, when, note, files: 0, bytes: 0, directories: [] };
			known.files += size.files;
			known.bytes += size.bytes;
			known.directories.push({ dir, ...size });
			found.set(entry, known);
		}
	}
	return [...found.values()].sort((a, b) => a.when.localeCompare(b.when));
}

/** The entry that a person means: its name, or a beginning of it that only one has. */
export function chooseKept(entries: readonly KeptEntry[], given: string): KeptEntry {
	const fitting = entries.filter(({ entry }) => given.length >= 4 && entry.startsWith(given));
	if (fitting.length === 1) return fitting[0]!;
	const what = fitting.length === 0 ? `There is no entry '${given}'` : `'${given}' is the beginning of several entries`;
	throw new SafekitError("RFS_ENTRY", `${what} in quarantine.`);
}

/**
 * What would be put where. Of several replicated directories each gets a folder of its own below `to`. Nothing is
 * made: things that are in the way come back in `taken`.
 */
export async function planRestore(
	folders: readonly KeptFolder[],
	entry: string,
	to: string,
): Promise<{ restored: Restored[]; taken: string[] }> {
	const restored: Restored[] = [];
	const taken: string[] = [];
	const goals = new Set<string>();
	for (const [index, { dir, path }] of folders.entries()) {
		const root = folders.length === 1 ? to : join(to, `${index + 1}-${basename(dir)}`);
		const source = Buffer.from(`${join(path, entry)}/`);
		for (const label of await labelsOf(join(path, entry))) {
			let goal = Buffer.concat([Buffer.from(`${root}/`), pathOfLabel(label)]);
			// Two things of one name: the second keeps the name that it has in quarantine.
			if (goals.has(goal.toString("latin1"))) goal = Buffer.concat([Buffer.from(`${root}/`), label]);
			goals.add(goal.toString("latin1"));
			if (await exists(goal)) taken.push(goal.toString());
			restored.push({ from: Buffer.concat([source, label]), to: goal });
		}
	}
	return { restored, taken };
}

/** Removes an entry for good. */
export async function dropKept(folders: readonly KeptFolder[], entry: string): Promise<void> {
	for (const { path } of folders) {
		await rm(join(path, entry), { recursive: true, force: true });
		await rm(join(path, `${entry}${noteSuffix}`), { force: true });
	}
}

async function entriesOf(path: string): Promise<string[]> {
	try {
		const found = await readdir(path, { withFileTypes: true });
		return found.filter((each) => each.isDirectory() && shape.test(each.name)).map(({ name }) => name);
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw new SafekitError("RFS_QUARANTINE", `The quarantine cannot be read: ${(cause as Error).message}.`, { cause });
	}
}

async function labelsOf(path: string): Promise<Buffer[]> {
	try {
		const names = await readdir(path, { encoding: "buffer" });
		return names.map((name) => Buffer.from(name)).filter((name) => !unfinished.test(name.toString("latin1")));
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw cause;
	}
}

/** Files (everything that is no folder) and bytes below a path. */
async function sizeOf(path: string): Promise<{ files: number; bytes: number }> {
	const left: Buffer[] = [Buffer.from(path)];
	const size = { files: 0, bytes: 0 };
	for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
		for (const each of await readdir(folder, { withFileTypes: true, encoding: "buffer" })) {
			const full = Buffer.concat([folder, Buffer.from("/"), each.name]);
			if (each.isDirectory()) left.push(full);
			else {
				size.files++;
				size.bytes += (await lstat(full)).size;
			}
		}
	}
	return size;
}

async function exists(path: Buffer): Promise<boolean> {
	return lstat(path).then(
		() => true,
		() => false,
	);
}
