/**
 * Whose packages this server accepts: public keys in `$SAFE/conf/trusted-keys`, and whether it accepts no others
 * (`$SAFE/conf/packages.json`). What cannot be read is never taken for a permission.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { asSafekitError, SafekitError } from "../../errors.ts";
import { makeFolder, removeTree, replaceFile, syncFolder } from "../files.ts";
import type { PublicKey } from "../package/signature.ts";
import type { Paths } from "../paths.ts";
import { readPublicKey } from "./keys.ts";

export interface TrustedKey {
	/** Name of its file, without `.pub`. */
	name: string;
	fingerprint: string;
}

export interface Trust {
	/** Only packages that one of the keys has signed may be installed. */
	signedOnly: boolean;
	keys: TrustedKey[];
	/** Files that are no keys: nobody is trusted because of them. */
	damaged: { file: string; why: string }[];
}

const maxKeys = 100;
const nameShape = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;
const policyShape = z.strictObject({ signedOnly: z.boolean() });

const folderOf = ({ safe }: Paths): string => join(safe, "conf/trusted-keys");
const policyOf = ({ safe }: Paths): string => join(safe, "conf/packages.json");

/** @throws SafekitError PACKAGE_POLICY: it cannot be said what this server accepts. */
export async function readTrust(paths: Paths): Promise<Trust> {
	const trust: Trust = { signedOnly: await readPolicy(policyOf(paths)), keys: [], damaged: [] };
	const names = await readdir(folderOf(paths)).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return [];
		throw error;
	});
	for (const file of names
		.filter((name) => name.endsWith(".pub"))
		.sort()
		.slice(0, maxKeys)) {
		try {
			const { fingerprint } = await readPublicKey(join(folderOf(paths), file));
			trust.keys.push({ name: basename(file, ".pub"), fingerprint });
		} catch (error) {
			trust.damaged.push({ file: join(folderOf(paths), file), why: asSafekitError(error).message });
		}
	}
	return trust;
}

async function readPolicy(file: string): Promise<boolean> {
	try {
		return policyShape.parse(JSON.parse(await readFile(file, "utf8"))).signedOnly;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw new SafekitError("PACKAGE_POLICY", `${file} is damaged: whether unsigned packages are accepted is unknown`, {
			cause,
		});
	}
}

/** Trusts a key, under the name of its file or another. */
export async function trustKey(paths: Paths, file: string, name = basename(file, ".pub")): Promise<TrustedKey> {
	if (!nameShape.test(name)) {
		throw new SafekitError("USAGE", `'${name}' cannot be the name of a key; use letters, digits, and _ . @ - inside`);
	}
	const { key, fingerprint } = await readPublicKey(file);
	const { keys } = await readTrust(paths);
	const other = keys.find((each) => each.name === name);
	if (other !== undefined && other.fingerprint !== fingerprint) {
		throw new SafekitError("PACKAGE_KEY", `another key is trusted as ${name} already (${other.fingerprint})`, {
			remedy: "Give another name with --as, or remove that key first with --remove.",
		});
	}
	if (keys.length >= maxKeys) throw new SafekitError("PACKAGE_KEY", `${maxKeys} keys are trusted already`);
	await makeFolder(folderOf(paths));
	await replaceFile(join(folderOf(paths), `${name}.pub`), key.export({ format: "pem", type: "spki" }));
	return { name, fingerprint };
}

/** Trusts a key no more. @throws SafekitError USAGE: there is none of that name. */
export async function distrustKey(paths: Paths, name: string): Promise<void> {
	const known = (await readdir(folderOf(paths)).catch(() => [])).map((file) => basename(file, ".pub"));
	if (!known.includes(name)) {
		throw new SafekitError("USAGE", `no key is trusted as '${name}'`, {
			remedy: "`safekit module trust` lists the keys.",
		});
	}
	await removeTree(join(folderOf(paths), `${name}.pub`));
	await syncFolder(folderOf(paths));
}

/** @throws SafekitError PACKAGE_POLICY: without a trusted key nothing could be installed any more. */
export async function acceptSignedOnly(paths: Paths, signedOnly: boolean): Promise<void> {
	// What was damaged is written anew.
	if (signedOnly && (await keysOf(paths)) === 0) {
		throw new SafekitError("PACKAGE_POLICY", "no key is trusted: no package could be installed any more", {
			remedy: "Trust a key first: `safekit module trust --add KEY.pub`.",
		});
	}
	await makeFolder(join(paths.safe, "conf"));
	await replaceFile(policyOf(paths), `${JSON.stringify({ signedOnly })}\n`);
}

async function keysOf(paths: Paths): Promise<number> {
	const names = await readdir(folderOf(paths)).catch(() => []);
	const found = await Promise.all(
		names.map((name) =>
			readPublicKey(join(folderOf(paths), name)).then(
				() => 1,
				() => 0,
			),
		),
	);
	return found.reduce((sum: number, one) => sum + one, 0);
}

/** The name under which this server trusts a signer; null: it does not. */
export function trustedAs(trust: Trust, signer: PublicKey): string | null {
	return trust.keys.find(({ fingerprint }) => fingerprint === signer.fingerprint)?.name ?? null;
}
