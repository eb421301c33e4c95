/** Packs a module's folder as a `.safe`: the same content gives the same bytes, on any machine, at any time. */
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import AdmZip from "adm-zip";
import { SafekitError } from "../../errors.ts";
import { replaceFile } from "../files.ts";
import { maxEntries, maxInflatedBytes } from "./directory.ts";
import { refuseCollisions, safeName } from "./names.ts";
import { fileMode } from "./read.ts";

/** 1980-01-01 00:00, the first date a zip knows. */
const fixedTime = 0x00210000;
/** Made on Unix, version 3.0, as the published packages. */
const madeBy = 0x031e;

export interface SourceFile {
	name: string;
	mode: number;
	size: number;
}

/** Which names (relative, a folder's with `/` at its end) are no part of the module. */
export type LeftOut = (name: string) => boolean;

/** Files and folders below `folder`, by name; links and special files are refused, the limits of packages apply. */
export async function listFolder(
	folder: string,
	leftOut: LeftOut = () => false,
): Promise<{ folders: string[]; files: SourceFile[] }> {
	const folders: string[] = [];
	const files: SourceFile[] = [];
	let total = 0;
	const visit = async (prefix: string): Promise<void> => {
		for (const entry of (await readdir(join(folder, prefix))).sort()) {
			const name = prefix + entry;
			const info = await lstat(join(folder, name));
			if (leftOut(info.isDirectory() ? `${name}/` : name)) continue;
			if (folders.length + files.length >= maxEntries)
				throw new SafekitError("PACKAGE_LIMIT", `${folder} has more than ${maxEntries} entries`);
			if (info.isDirectory()) {
				folders.push(safeName(Buffer.from(`${name}/`)));
				await visit(`${name}/`);
			} else if (info.isFile()) {
				total += info.size;
				if (total > maxInflatedBytes)
					throw new SafekitError("PACKAGE_LIMIT", `${folder} holds more than 256 MiB (at ${name})`);
				files.push({ name: safeName(Buffer.from(name)), mode: fileMode(name, info.mode), size: info.size });
			} else throw new SafekitError("PACKAGE_LINK", `${join(folder, name)} is no plain file`);
		}
	};
	await visit("");
	refuseCollisions([...folders, ...files.map((file) => file.name)]);
	if (!files.some((file) => file.name === "conf/userconfig.xml")) {
		throw new SafekitError("PACKAGE_NO_USERCONFIG", `${folder} has no conf/userconfig.xml`);
	}
	return { folders, files };
}

/** Writes the package at `target`, whole or not at all, and returns its bytes. */
export async function writePackage(folder: string, target: string, leftOut?: LeftOut): Promise<Buffer> {
	const bytes = await packedFolder(folder, leftOut);
	await replaceFile(target, bytes);
	return bytes;
}

/** The package, not written anywhere. */
export async function packedFolder(folder: string, leftOut?: LeftOut): Promise<Buffer> {
	const { folders, files } = await listFolder(folder, leftOut);
	const zip = new AdmZip(undefined, { noSort: true });
	const modes = new Map([
		...folders.map((name) => [name, 0o040755] as const),
		...files.map((file) => [file.name, 0o100000 | file.mode] as const),
	]);
	for (const name of [...modes.keys()].sort()) {
		const isFolder = name.endsWith("/");
		zip.addFile(name, isFolder ? Buffer.alloc(0) : await readFile(join(folder, name)));
		const header = zip.getEntry(name)?.header;
		if (header === undefined)
			throw new SafekitError("PACKAGE_NAME", `the entry ${JSON.stringify(name)} cannot be packed`);
		Object.assign(header, {
			made: madeBy,
			timeval: fixedTime,
			attr: (((modes.get(name) ?? 0) << 16) | (isFolder ? 0x10 : 0)) >>> 0,
		});
	}
	return zip.toBuffer();
}
