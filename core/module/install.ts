/** `module install`, `list`, `listid`, `uninstall` and `package` (spec/04 §5). */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, join } from "node:path";
import { SafekitError } from "../errors.ts";
import { activeTree } from "./active.ts";
import { type Admission, type AdmissionOptions, admit } from "./admission.ts";
import { makeFolder, removeTree, writeSynced } from "./files.ts";
import { withModuleLock } from "./lock.ts";
import { type Package, readPackage } from "./package/read.ts";
import { writePackage } from "./package/write.ts";
import type { Paths } from "./paths.ts";
import { recover } from "./recover.ts";
import { assignId, checkModuleName, chooseId, dropId, idOf, readIds } from "./registry.ts";
import { keepNewest, newArchive } from "./stamps.ts";
import { exists, Tree } from "./trees.ts";

/** Archives of one module that are kept in `Application_Modules/backup`. */
const keptBackups = 10;
const maxSearchedFolders = 10_000;

export interface InstallRequest extends AdmissionOptions {
	/** `-m`; by default the file's name without its ending. */
	name?: string;
	/** `-M`. */
	id?: number;
	/** `-r`: replace an installed module, which is archived first. */
	replace?: boolean;
	/** A .safe or .zip; by default NAME.safe is looked for in `$SAFE/Application_Modules`. */
	file?: string;
}

export interface Installed extends Admission {
	name: string;
	id: number;
	file: string;
	/** Where what it replaces is kept. */
	archived: string | null;
}

/**
 * Installs a package. The bytes of its files are kept as they are; blanks are accepted, `config` asks for them. A
 * package that was changed after it was signed, that this server does not accept, or that raises concerns (`admit`) is
 * refused, and nothing is changed.
 */
export async function installModule(paths: Paths, request: InstallRequest): Promise<Installed> {
	const { name, file } = await whatToInstall(paths, request);
	const content = await readPackage(file);
	return withModuleLock(paths, async () => {
		await recover(paths);
		const tree = sourceTree(paths, name);
		const installed = await exists(tree.path);
		if (installed && request.replace !== true)
			throw new SafekitError("MODULE_EXISTS", `the module ${name} is installed already`);
		const admission = await admit(paths, content, { file, replaced: installed ? tree.path : null }, request);
		chooseId(await readIds(paths), name, request.id);
		try {
			await writeFiles(content, await tree.begin());
		} catch (error) {
			await tree.abandon();
			throw error;
		}
		const archived = installed ? await archive(paths, name) : null;
		// The id first: an id without a folder is no module and is given again; a folder without an id could not run.
		const id = await assignId(paths, name, request.id);
		await tree.replace();
		return { name, id, file, archived, ...admission };
	});
}

/** What `installModule` would say of the package, without installing it. Refuses what it would refuse. */
export async function rehearseInstall(paths: Paths, request: InstallRequest): Promise<Admission> {
	const { name, file } = await whatToInstall(paths, request);
	const { path } = sourceTree(paths, name);
	return admit(paths, await readPackage(file), { file, replaced: (await exists(path)) ? path : null }, request);
}

async function whatToInstall(paths: Paths, request: InstallRequest): Promise<{ name: string; file: string }> {
	if (request.name === undefined && request.file === undefined)
		throw new SafekitError("USAGE", "give -m NAME, a package file, or both");
	const name = checkModuleName(request.name ?? basename(request.file as string, extname(request.file as string)));
	return { name, file: request.file ?? (await findPackage(paths, name)) };
}

export function sourceTree(paths: Paths, name: string): Tree {
	return new Tree(join(paths.safe, "modules"), name);
}

export async function writeFiles(content: Package, folder: string): Promise<void> {
	for (const name of content.folders) await makeFolder(join(folder, name));
	for (const file of content.files) {
		await makeFolder(dirname(join(folder, file.name)));
		await writeSynced(join(folder, file.name), file.content(), file.mode);
	}
}

/** `NAME.safe` anywhere below `$SAFE/Application_Modules`, links not followed. */
async function findPackage(paths: Paths, name: string): Promise<string> {
	const top = join(paths.safe, "Application_Modules");
	const waiting = [top];
	for (let looked = 0; looked < maxSearchedFolders; looked++) {
		const folder = waiting.shift();
		if (folder === undefined) break;
		for (const entry of (await readdir(folder, { withFileTypes: true }).catch(() => [])).sort((a, b) =>
			a.name < b.name ? -1 : 1,
		)) {
			if (entry.isFile() && entry.name === `${name}.safe`) return join(folder, entry.name);
			if (entry.isDirectory()) waiting.push(join(folder, entry.name));
		}
	}
	throw new SafekitError("PACKAGE_NOT_FOUND", `there is no ${name}.safe below ${top}`);
}

/** Installed modules with their ids, by id. */
export async function listModules(paths: Paths): Promise<{ name: string; id: number }[]> {
	const ids = await readIds(paths);
	const all = await Promise.all(
		[...ids].map(async ([name, id]) =>
			(await exists(join(paths.module(name).sourceConf, "userconfig.xml"))) ? [{ name, id }] : [],
		),
	);
	return all.flat().sort((a, b) => a.id - b.id);
}

/** Packs `$SAFE/modules/NAME` into `file`, which must be an absolute path. */
export async function packageModule(paths: Paths, name: string, file: string): Promise<void> {
	await idOf(paths, name);
	if (!isAbsolute(file))
		throw new SafekitError("USAGE", `${file} is not an absolute path`, {
			remedy: "Give the whole path of the package to write.",
		});
	const folder = await stat(dirname(file)).catch(() => null);
	if (folder?.isDirectory() !== true)
		throw new SafekitError("USAGE", `${dirname(file)} is not a folder`, { remedy: "Create the folder first." });
	await writePackage(paths.module(name).source, file);
}

/**
 * Removes a stopped module, which is archived before, and what is in force of it; its deconfig script is run by
 * `deconfigureModule`, which comes first. Returns the archive, null if its folder was gone already.
 */
export async function uninstallModule(paths: Paths, name: string): Promise<string | null> {
	return withModuleLock(paths, async () => {
		await recover(paths);
		await idOf(paths, name);
		const file = await archive(paths, name);
		await activeTree(paths, name).remove();
		await sourceTree(paths, name).remove();
		await removeTree(paths.module(name).userVar);
		// Last: until now the command can simply be given again.
		await dropId(paths, name);
		return file;
	});
}

/** Null if there is nothing to keep: the person has removed the folder. */
export async function archive(paths: Paths, name: string): Promise<string | null> {
	const { source } = paths.module(name);
	if (!(await exists(source))) return null;
	const folder = join(paths.safe, "Application_Modules/backup");
	const file = await newArchive(folder, name);
	await writePackage(source, file);
	await keepNewest(folder, name, keptBackups);
	return file;
}
