/**
 * Whether a package may be installed on this server. Every way that installs one comes through `installModule`, which
 * asks here before anything is changed.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SafekitError } from "../errors.ts";
import { noPermissions } from "../sandbox/permissions.ts";
import { refuseErrors } from "./inspect.ts";
import { asksForMore, permissionsAsText } from "./package/asks.ts";
import { type Manifest, manifestName, readManifest, unmetNeeds } from "./package/manifest.ts";
import type { Package } from "./package/read.ts";

export interface AdmissionOptions {
	/** Names of the plugins that are loaded; absent: not judged. */
	plugins?: readonly string[];
	/** `--yes`: a person has seen the concerns. */
	yes?: boolean;
}

export interface Admission {
	/** Of the package, by its module.json. */
	version: string | null;
	/** What the package asks for, in words. */
	asks: string[];
	/** What a person should know and has agreed to with `--yes`. */
	concerns: string[];
}

/** `file`: the package in messages; `replaced`: the folder of the module that it replaces. Refuses by throwing. */
export async function admit(
	content: Package,
	file: string,
	replaced: string | null,
	options: AdmissionOptions,
): Promise<Admission> {
	const place = join(file, manifestName);
	const bytes = content.files.find(({ name }) => name === manifestName)?.content();
	const manifest = bytes === undefined ? null : manifestOf(bytes, place);
	if (manifest !== null) refuseErrors(unmetNeeds(manifest, options.plugins, place));
	const permissions = manifest?.permissions ?? noPermissions;
	const before = replaced === null ? null : await manifestOfFolder(replaced);
	const concerns =
		replaced === null ? [] : permissionsAsText(asksForMore(permissions, before?.permissions ?? noPermissions));
	if (concerns.length > 0 && options.yes !== true) {
		throw new SafekitError(
			"PACKAGE_CONSENT",
			`the package asks for more than the one it replaces:\n${listed(concerns)}`,
		);
	}
	return { version: manifest?.version ?? null, asks: permissionsAsText(permissions), concerns };
}

function listed(lines: readonly string[]): string {
	return lines.map((line) => `  ${line}`).join("\n");
}

function manifestOf(bytes: Uint8Array, place: string): Manifest {
	const read = readManifest(bytes, place);
	if ("manifest" in read) return read.manifest;
	refuseErrors(read.problems);
	throw new SafekitError("PACKAGE_MANIFEST", `${place} cannot be used`);
}

/** Of an installed module or another folder; null: it has none that can be read. */
export async function manifestOfFolder(folder: string): Promise<Manifest | null> {
	const file = join(folder, manifestName);
	const bytes = await readFile(file).catch(() => null);
	if (bytes === null) return null;
	const read = readManifest(bytes, file);
	return "manifest" in read ? read.manifest : null;
}
