/** Signs and verifies files of packages. */
import { join } from "node:path";
import { SafekitError } from "../../errors.ts";
import { replaceFile } from "../files.ts";
import { refuseErrors } from "../inspect.ts";
import { type Manifest, manifestName, readManifest } from "../package/manifest.ts";
import { type Package, readPackage } from "../package/read.ts";
import { publicKey, signerOf, signPackage } from "../package/signature.ts";
import type { Paths } from "../paths.ts";
import { readPrivateKey, readPublicKey } from "./keys.ts";
import { readTrust, trustedAs } from "./trust.ts";

export interface SignedPackage {
	file: string;
	name: string;
	version: string;
	/** Of the signer's key, `SHA256:…`. */
	fingerprint: string;
}

/**
 * Writes `file` with a signature as `target`, which may be the same. Whoever installs it has to see an older version, so
 * it needs a module.json. @throws SafekitError PACKAGE_… where the package or the key cannot be used.
 */
export async function signFile(file: string, target: string, keyFile: string): Promise<SignedPackage> {
	const key = await readPrivateKey(keyFile);
	const { bytes, manifest } = await readWhole(file);
	await replaceFile(target, signPackage(bytes, key));
	return { file: target, name: manifest.name, version: manifest.version, fingerprint: publicKey(key).fingerprint };
}

/**
 * Says who signed a package. `keyFile`: the public key that has to have done it; null: any that this server trusts.
 * @throws SafekitError PACKAGE_SIGNATURE, PACKAGE_UNSIGNED, PACKAGE_UNTRUSTED.
 */
export async function verifyFile(
	paths: Paths,
	file: string,
	keyFile: string | null,
): Promise<SignedPackage & { trustedAs: string | null }> {
	const wanted = keyFile === null ? null : await readPublicKey(keyFile);
	const content = await readPackage(file);
	const signer = signerOf(content.bytes);
	if (signer === null) throw new SafekitError("PACKAGE_UNSIGNED", `${file} is not signed`);
	const { manifest } = await readWhole(file, content);
	const { fingerprint } = signer;
	const known = wanted === null ? trustedAs(await readTrust(paths), signer) : null;
	if (wanted === null ? known === null : wanted.fingerprint !== fingerprint) {
		const by = wanted === null ? "a key that is not trusted here" : "another key";
		throw new SafekitError("PACKAGE_UNTRUSTED", `${file} is signed by ${by} (${fingerprint})`);
	}
	return { file, name: manifest.name, version: manifest.version, fingerprint, trustedAs: known };
}

/** Every content is read, so that nothing damaged is signed or called good. */
async function readWhole(file: string, read?: Package): Promise<{ bytes: Buffer; manifest: Manifest }> {
	const content = read ?? (await readPackage(file));
	let manifest: Manifest | undefined;
	for (const { name, content: bytesOf } of content.files) {
		const bytes = bytesOf();
		if (name !== manifestName) continue;
		const found = readManifest(bytes, join(file, name));
		if ("problems" in found) refuseErrors(found.problems);
		else manifest = found.manifest;
	}
	if (manifest === undefined) {
		throw new SafekitError("PACKAGE_MANIFEST", `${file} has no module.json with its name and version`, {
			remedy: 'Add module.json ({ "name": "mydb", "version": "1.0.0" }) to the module and pack it again.',
		});
	}
	return { bytes: content.bytes, manifest };
}
