/** A package as a list of files that are safe to write below a folder (spec/09 §1, interfaces.md limits). */
import { readFile, stat } from "node:fs/promises";
import { SafekitError } from "../../errors.ts";
import { inflate, maxInflatedBytes, readDirectory, type ZipEntry } from "./directory.ts";
import { commonTopFolder, isPackingLitter, refuseCollisions, safeName } from "./names.ts";

export interface PackageFile {
	/** Relative, with `/`. */
	name: string;
	/** 0o755 or 0o644. */
	mode: number;
	/** Inflates the content; bounded and checked. */
	content(): Buffer;
}

export interface Package {
	/** Folders that the package names; those of its files come on top. */
	folders: string[];
	files: PackageFile[];
	/** The whole file, as its signature covers it. */
	bytes: Buffer;
}

const typeBits = 0o170000;
const regularFile = 0o100000;
const folderType = 0o040000;
const linkType = 0o120000;

/** Reads and checks the whole directory of the package; contents are inflated one at a time, when asked for. */
export async function readPackage(path: string): Promise<Package> {
	return packageOf(await readBounded(path));
}

async function readBounded(path: string): Promise<Buffer> {
	const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
		throw new SafekitError("PACKAGE_NOT_FOUND", `${path} cannot be read: ${error.code}`, { cause: error });
	});
	if (!info.isFile()) throw new SafekitError("PACKAGE_NOT_ZIP", `${path} is not a file`);
	if (info.size > maxInflatedBytes) throw new SafekitError("PACKAGE_LIMIT", `${path} has ${info.size} bytes`);
	return readFile(path);
}

/** The same for one that is no file here. */
export function packageOf(bytes: Buffer): Package {
	const named = readDirectory(bytes)
		.map((entry) => ({ entry, name: safeName(entry.rawName) }))
		.filter(({ name }) => name !== "" && !isPackingLitter(name));
	for (const { entry, name } of named) refuseSpecial(entry, name);
	const top = commonTopFolder(named.map(({ name }) => name));
	const stripped = named
		.map(({ entry, name }) => ({ entry, name: name.slice(top.length) }))
		.filter(({ name }) => name !== "");
	refuseCollisions(stripped.map(({ name }) => name));
	const files = stripped.filter(({ name }) => !name.endsWith("/"));
	if (!files.some(({ name }) => name === "conf/userconfig.xml")) {
		throw new SafekitError("PACKAGE_NO_USERCONFIG", "the package has no conf/userconfig.xml");
	}
	return {
		folders: stripped.filter(({ name }) => name.endsWith("/")).map(({ name }) => name.slice(0, -1)),
		files: files.map(({ entry, name }) => ({
			name,
			mode: fileMode(name, entry.mode),
			content: () => inflate(bytes, entry),
		})),
		bytes,
	};
}

/** Only plain files and folders: a link could name anything on the server. */
function refuseSpecial(entry: ZipEntry, name: string): void {
	const type = entry.mode & typeBits;
	if (type === linkType) throw new SafekitError("PACKAGE_LINK", `the entry ${JSON.stringify(name)} is a symbolic link`);
	const isFolder = name.endsWith("/");
	if (type !== 0 && type !== (isFolder ? folderType : regularFile)) {
		throw new SafekitError(
			"PACKAGE_LINK",
			`the entry ${JSON.stringify(name)} is no plain ${isFolder ? "folder" : "file"}`,
			{
				remedy: "Pack the module again with plain files and folders only.",
			},
		);
	}
}

/** Everything in bin/ can be executed, whatever the packer knew (spec/09 §1); no other bits survive. */
export function fileMode(name: string, mode: number): number {
	return name.startsWith("bin/") || (mode & 0o111) !== 0 ? 0o755 : 0o644;
}
