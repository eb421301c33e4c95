/** Whether the replicated directories of a module can be served on this server (replication.md §5). */
import { lstat, mkdir, realpath, rmdir } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { descendants, textOf } from "../schema/access.ts";
import type { ProblemDetails, Report } from "../schema/report.ts";
import type { Userconfig } from "../schema/userconfig.ts";
import type { XmlElement } from "../schema/xml/element.ts";
import type { FileSystemProbe } from "./filesystem.ts";
import { overlaps } from "./settings/rfs.ts";

export interface DirectoryContext {
	probe?: FileSystemProbe;
	/** Directories of other modules, by module. */
	others: ReadonlyMap<string, readonly string[]>;
	/** Directories of the product itself, which nothing may replicate. */
	own: readonly string[];
	/** Directories that this module replicates already: another file system may be mounted there now. */
	inForce: readonly string[];
}

/** Adds what is wrong to the report of `read`. Nothing is created. */
export async function checkDirectories(read: Userconfig, context: DirectoryContext): Promise<void> {
	for (const element of descendants(read.service, "rfs", "replicated")) {
		const dir = textOf(element, "dir");
		if (dir !== null) await checkDirectory(dir, element.xml, read.report, context);
	}
}

async function checkDirectory(
	dir: string,
	element: XmlElement,
	report: Report,
	context: DirectoryContext,
): Promise<void> {
	const refuse = (message: string, details: ProblemDetails = {}): void =>
		report.add("CONFIG_DIRECTORY", message, element, { attribute: "dir", found: dir, ...details });
	if (!isAbsolute(dir)) return refuse(`${dir} is not absolute on this system`, { expected: "an absolute directory" });
	if (dirname(dir) === dir)
		return refuse("a whole file system cannot be replicated", { remedy: "Name a directory on it." });
	const info = await lstat(dir).catch(() => null);
	if (info?.isSymbolicLink()) {
		return refuse(`${dir} is a symbolic link`, {
			remedy: `Name the directory itself: ${await realpath(dir).catch(() => "its target does not exist")}.`,
		});
	}
	if (info !== null && !info.isDirectory()) return refuse(`${dir} is not a directory`);
	const real = await realOf(dir);
	for (const own of context.own) {
		if (overlaps(real, await realOf(own))) return refuse(`${dir} overlaps the product's own ${own}`);
	}
	for (const [module, dirs] of context.others) {
		for (const other of dirs) {
			if (overlaps(real, await realOf(other))) return refuse(`${dir} overlaps ${other} of the module ${module}`);
		}
	}
	if (context.probe === undefined || context.inForce.includes(dir)) return;
	const offers = await context.probe.probe(await existingAncestor(dir));
	const missing = [
		offers.fileHandles ? [] : ["file handles"],
		offers.trustedXattrs ? [] : ["trusted.* attributes"],
	].flat();
	if (missing.length === 0) return;
	refuse(`the file system under ${dir} (${offers.type}) has no ${missing.join(" and no ")}`, {
		expected: "ext4, XFS or btrfs",
	});
}

/** The path with all links of its existing part resolved. */
async function realOf(path: string): Promise<string> {
	const existing = await existingAncestor(path);
	return join(await realpath(existing), path.slice(existing.length));
}

async function existingAncestor(path: string): Promise<string> {
	for (let at = path; ; at = dirname(at)) {
		if (dirname(at) === at || (await lstat(at).catch(() => null)) !== null) return at;
	}
}

/** Creates what is missing; the result takes it away again, as far as it is still empty. */
export async function createDirectories(dirs: readonly string[]): Promise<() => Promise<void>> {
	const made: { first: string; last: string }[] = [];
	const undo = async (): Promise<void> => {
		for (const { first, last } of made.toReversed()) {
			for (let at = last; at.startsWith(first); at = dirname(at)) await rmdir(at).catch(() => undefined);
		}
	};
	try {
		for (const dir of dirs) {
			const first = await mkdir(dir, { recursive: true, mode: 0o755 });
			if (first !== undefined) made.push({ first, last: dir });
		}
		return undo;
	} catch (error) {
		await undo();
		throw error;
	}
}
