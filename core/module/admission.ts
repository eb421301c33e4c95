/**
 * Whether a package may be installed on this server. Every way that installs one, also from another server, asks here
 * before anything is changed.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import { SafekitError } from "../errors.ts";
import { noPermissions } from "../sandbox/permissions.ts";
import { refuseErrors } from "./inspect.ts";
import { asksForMore, permissionsAsText } from "./package/asks.ts";
import { type Manifest, manifestName, readManifest, unmetNeeds } from "./package/manifest.ts";
import type { Package } from "./package/read.ts";
import { signerOf } from "./package/signature.ts";
import type { Paths } from "./paths.ts";
import { readTrust, trustedAs } from "./signing/trust.ts";

export interface AdmissionOptions {
	/** Names of the plugins that are loaded; absent: not judged. */
	plugins?: readonly string[];
	/** `--yes`: a person has seen the concerns. */
	yes?: boolean;
	/** An archive that this server wrote of what it had installed: it comes back as it was, without any question. */
	ours?: boolean;
}

/** A package, or a folder, and the module that it would replace. */
export interface Candidate {
	/** The package in messages. */
	file: string;
	/** The folder of the installed module; null: there is none. */
	replaced: string | null;
}

export interface Signer {
	/** `SHA256:…`. */
	fingerprint: string;
	/** The name under which this server trusts the key; null: it does not. */
	trustedAs: string | null;
}

export interface Admission {
	/** Of the package, by its module.json. */
	version: string | null;
	signer: Signer | null;
	/** What the package asks for, in words. */
	asks: string[];
	/** What a person has to agree to with `--yes`. */
	concerns: string[];
	/** What a person should know. */
	notes: string[];
}

/**
 * @throws SafekitError PACKAGE_CONSENT (exit code 4): more is asked for than before, or, where only signed packages are
 * accepted, an older version would come back; PACKAGE_SIGNATURE, PACKAGE_UNSIGNED, PACKAGE_UNTRUSTED; CONFIG_INVALID: its
 * module.json cannot be used here.
 */
export async function admit(
	paths: Paths,
	content: Package,
	{ file, replaced }: Candidate,
	options: AdmissionOptions,
): Promise<Admission> {
	if (options.ours) return { version: null, signer: null, asks: [], concerns: [], notes: [] };
	const { signer, signedOnly } = await judgeSigner(paths, content, file);
	const place = join(file, manifestName);
	const bytes = content.files.find(({ name }) => name === manifestName)?.content();
	const manifest = bytes === undefined ? null : manifestOf(bytes, place);
	const permissions = manifest?.permissions ?? noPermissions;
	if (manifest !== null) refuseErrors(unmetNeeds(manifest, options.plugins, place));
	const before = replaced === null ? null : await manifestOfFolder(replaced);
	const more = asksForMore(permissions, before?.permissions ?? noPermissions);
	const concerns =
		replaced === null
			? []
			: permissionsAsText(more).map((line) => `it asks for more than the one it replaces: ${line}`);
	const notes: string[] = [];
	const older = olderThan(manifest, before);
	// Somebody who cannot sign can still bring an old package back, with the mistakes that were mended since.
	if (older !== null) (signedOnly ? concerns : notes).push(older);
	if (signer !== null && signer.trustedAs === null)
		notes.push(`signed by a key that is not trusted here (${signer.fingerprint})`);
	if (concerns.length > 0 && options.yes !== true) {
		const listed = concerns.map((line) => `  ${line}`).join("\n");
		throw new SafekitError("PACKAGE_CONSENT", `the package is not installed without your word:\n${listed}`);
	}
	return { version: manifest?.version ?? null, signer, asks: permissionsAsText(permissions), concerns, notes };
}

async function judgeSigner(
	paths: Paths,
	{ bytes }: Package,
	file: string,
): Promise<{ signer: Signer | null; signedOnly: boolean }> {
	const trust = await readTrust(paths);
	const key = signerOf(bytes);
	const signer = key === null ? null : { fingerprint: key.fingerprint, trustedAs: trustedAs(trust, key) };
	if (trust.signedOnly && signer === null) {
		throw new SafekitError("PACKAGE_UNSIGNED", `${file} is not signed, and this server accepts signed packages only`);
	}
	if (trust.signedOnly && signer?.trustedAs === null) {
		throw new SafekitError(
			"PACKAGE_UNTRUSTED",
			`${file} is signed by a key that is not trusted here (${signer.fingerprint})`,
		);
	}
	return { signer, signedOnly: trust.signedOnly };
}

/** A package without a version is older than any that has one. */
function olderThan(now: Manifest | null, before: Manifest | null): string | null {
	if (before === null || (now !== null && semver.gte(now.version, before.version))) return null;
	return `it is older than what it replaces: ${before.version} → ${now?.version ?? "no version"}`;
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
