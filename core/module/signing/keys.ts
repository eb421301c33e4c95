/** Keys with which packages are signed: PEM files, the private one for nobody else to read. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { lstat, readFile } from "node:fs/promises";
import { SafekitError } from "../../errors.ts";
import { removeTree, writeSynced } from "../files.ts";
import { type PublicKey, publicKey } from "../package/signature.ts";

const maxBytes = 16 * 1024;

/** Makes a pair: `file` (0600) and `file.pub`. Nothing is overwritten. */
export async function newKey(file: string): Promise<PublicKey & { publicFile: string }> {
	const pair = generateKeyPairSync("ed25519");
	const publicFile = `${file}.pub`;
	await write(file, pair.privateKey.export({ format: "pem", type: "pkcs8" }), 0o600);
	await write(publicFile, pair.publicKey.export({ format: "pem", type: "spki" }), 0o644).catch(async (error) => {
		await removeTree(file);
		throw error;
	});
	return { ...publicKey(pair.publicKey), publicFile };
}

async function write(file: string, pem: string | Buffer, mode: number): Promise<void> {
	await writeSynced(file, pem, mode).catch((cause: NodeJS.ErrnoException) => {
		const why = cause.code === "EEXIST" ? "exists already, and a key is never overwritten" : `cannot be written`;
		throw new SafekitError("PACKAGE_KEY", `${file} ${why} (${cause.code})`, {
			remedy: "Give the name of a new file, in a folder that exists.",
			cause,
		});
	});
}

/** @throws SafekitError PACKAGE_KEY; PACKAGE_KEY_OPEN where others may read it too. */
export async function readPrivateKey(file: string): Promise<KeyObject> {
	const { pem, mode } = await readPem(file);
	if ((mode & 0o077) !== 0) {
		throw new SafekitError("PACKAGE_KEY_OPEN", `${file} can be read by others (mode ${(mode & 0o777).toString(8)})`, {
			remedy: `Run \`chmod 600 ${file}\`; if others may have read it, make a new key.`,
		});
	}
	const key = parse(file, "private", () => createPrivateKey(pem));
	publicKey(key);
	return key;
}

/** @throws SafekitError PACKAGE_KEY. */
export async function readPublicKey(file: string): Promise<PublicKey> {
	const { pem } = await readPem(file);
	if (pem.includes("PRIVATE KEY")) {
		throw new SafekitError("PACKAGE_KEY", `${file} is a private key`, {
			remedy: `Give the public one, ${file}.pub; the private one stays where packages are signed.`,
		});
	}
	return publicKey(parse(file, "public", () => createPublicKey(pem)));
}

async function readPem(file: string): Promise<{ pem: string; mode: number }> {
	try {
		const info = await lstat(file);
		if (info.isFile() && info.size <= maxBytes) return { pem: await readFile(file, "utf8"), mode: info.mode };
	} catch (cause) {
		throw new SafekitError("PACKAGE_KEY", `${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, {
			cause,
		});
	}
	throw new SafekitError("PACKAGE_KEY", `${file} is no file of a key`);
}

function parse(file: string, kind: string, read: () => KeyObject): KeyObject {
	try {
		return read();
	} catch (cause) {
		throw new SafekitError("PACKAGE_KEY", `${file} is no ${kind} key in PEM form`, { cause });
	}
}
