/** The module that is tried: a folder or a package, and what a person still has to fill in. */
import { cp, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { localSchema, pluginsOnce } from "../../core/cli/schema.ts";
import { SafekitError } from "../../core/errors.ts";
import { filesOfFolder, filesOfPackage, isForWindows, type ModuleFile } from "../../core/module/advice/files.ts";
import type { ModuleConfiguration } from "../../core/module/configuration.ts";
import { inspect, refuseErrors, userconfigName } from "../../core/module/inspect.ts";
import { packModule } from "../../core/module/pack/pack.ts";
import { manifestName, readManifest } from "../../core/module/package/manifest.ts";
import { checkModuleName } from "../../core/module/registry.ts";

/** Something left blank that the trial fills in. */
interface Blank {
	offset: number;
	attribute: string;
	kind: "address" | "directory";
}

export interface TriedModule {
	name: string;
	configuration: ModuleConfiguration;
	/** A script or checker starts services of the system. */
	needsSystemd: boolean;
	/** What `fill` will put in, in words. */
	blanks: string[];
	/** Writes the package. */
	write(file: string): Promise<unknown>;
	/** userconfig.xml of an installed copy, with its blanks filled in. */
	fill(text: string, address: string): string;
}

const usualDirectory = "/var/opensafe-try";

/** @throws SafekitError when it is no module, has errors, is for Windows, or nothing carries out its mode. */
export async function readTried(path: string): Promise<TriedModule> {
	const info = await stat(path).catch(() => null);
	if (info === null) throw new SafekitError("PACKAGE_NOT_FOUND", `${path} does not exist`);
	const files = info.isDirectory() ? await filesOfFolder(path) : await filesOfPackage(path);
	const text = (await contentOf(files, userconfigName)) ?? "";
	const name = await nameOf(path, files);
	const read = async (xml: string) =>
		inspect(Buffer.from(xml), join(path, userconfigName), name, 1, {
			...{ schema: await localSchema(), environment: {}, purpose: "check" as const },
		});
	const first = await read(text);
	refuseErrors(first.problems);
	if (isForWindows(files)) throw new SafekitError("TRY_WINDOWS", `${name} has scripts for Windows only`);
	const blanks = blanksOf(text, first.problems);
	const fill = (xml: string, address: string): string => filled(xml, blanks, address);
	const { configuration, problems } = await read(fill(text, "192.0.2.10"));
	const left = problems.find(({ code }) => code === "CONFIG_BLANK" || code === "CONFIG_MACRO");
	if (left !== undefined) throw new SafekitError(left.code, left.message, { place: left, remedy: left.remedy });
	const { mode } = configuration as ModuleConfiguration;
	if (!(await pluginsOnce()).modes.has(mode)) {
		throw new SafekitError(
			"NODE_MODE",
			`Modules of mode '${mode}' cannot be tried: no plugin carries out that mode here.`,
		);
	}
	return {
		...{ name, fill, configuration: configuration as ModuleConfiguration },
		needsSystemd: !startsNothing(configuration as ModuleConfiguration) && (await callsSystemd(files)),
		blanks: [...new Set(blanks.map(({ kind }) => (kind === "address" ? "the virtual address" : usualDirectory)))],
		write: (file) => (info.isDirectory() ? packModule(path, file, path) : cp(path, file)),
	};
}

async function contentOf(files: readonly ModuleFile[], name: string): Promise<string | undefined> {
	const bytes = await files.find((file) => file.name === name)?.content();
	return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}

async function nameOf(path: string, files: readonly ModuleFile[]): Promise<string> {
	const manifest = await contentOf(files, manifestName);
	const read = manifest === undefined ? null : readManifest(Buffer.from(manifest), join(path, manifestName));
	if (read !== null && "problems" in read) refuseErrors(read.problems);
	if (read !== null && "manifest" in read) return read.manifest.name;
	return checkModuleName(basename(resolve(path)).replace(/\.(safe|zip)$/i, ""));
}

/** The templates leave the address and the directory to whoever installs them. */
function blanksOf(
	text: string,
	problems: readonly { code: string; line?: number; column?: number; element?: string; attribute?: string }[],
): Blank[] {
	const lines = text.split("\n");
	// A checker of the virtual address has the same blank as that.
	const kinds: Record<string, Blank["kind"]> = {
		"virtual_addr addr": "address",
		"to addr": "address",
		"replicated dir": "directory",
	};
	return problems.flatMap(({ code, line = 1, column = 1, element, attribute = "" }) => {
		const kind = kinds[`${element} ${attribute}`];
		if (code !== "CONFIG_BLANK" || kind === undefined) return [];
		const offset = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
		return [{ offset, attribute, kind }];
	});
}

function filled(text: string, blanks: readonly Blank[], address: string): string {
	let done = text;
	for (const { offset, attribute, kind } of [...blanks].sort((a, b) => b.offset - a.offset)) {
		const value = kind === "address" ? address : usualDirectory;
		const written = new RegExp(`^${attribute}\\s*=\\s*("[^"]*"|'[^']*')`).exec(done.slice(offset))?.[0];
		if (written !== undefined)
			done = `${done.slice(0, offset)}${attribute}="${value}"${done.slice(offset + written.length)}`;
	}
	return done;
}

/** The scripts of new modules and of templates start what SERVICES names. */
function startsNothing({ user }: ModuleConfiguration): boolean {
	return user?.vars.find(({ name }) => name === "SERVICES")?.value.trim() === "";
}

async function callsSystemd(files: readonly ModuleFile[]): Promise<boolean> {
	for (const file of files.filter(({ name }) => /^bin\/[^.]*$/.test(name))) {
		if (/\b(systemctl|service)\b/.test(Buffer.from(await file.content()).toString("latin1"))) return true;
	}
	return false;
}
