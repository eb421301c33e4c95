/**
 * The signature of a package (Ed25519). It is the comment at the end of the zip, which readers that know nothing of it
 * skip, and it covers every byte before it: names, contents, modes and order of the entries, and what lies between them.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { SafekitError } from "../../errors.ts";
import { endOf } from "./directory.ts";

/** A key as a package names it. */
export interface PublicKey {
	key: KeyObject;
	/** `SHA256:…` of the key, as people compare it. */
	fingerprint: string;
}

const marker = "Opensafe signature";
const shape = /^Opensafe signature 1\nkey: ([A-Za-z0-9+/]{43}=)\nsignature: ([A-Za-z0-9+/]{86}==)\n$/;
/** What stands before the 32 bytes of a key in its DER form. */
const derPrefix = Buffer.from("302a300506032b6570032100", "hex");
const lengthField = 2;

/** @throws SafekitError PACKAGE_KEY: it is no Ed25519 key. */
export function publicKey(key: KeyObject): PublicKey {
	if (key.asymmetricKeyType !== "ed25519") {
		throw new SafekitError("PACKAGE_KEY", `a key of the kind ${key.asymmetricKeyType ?? "secret"} cannot be used`);
	}
	const own = key.type === "private" ? createPublicKey(key) : key;
	const fingerprint = createHash("sha256").update(rawOf(own)).digest("base64").replace(/=+$/, "");
	return { key: own, fingerprint: `SHA256:${fingerprint}` };
}

function rawOf(key: KeyObject): Buffer {
	return key.export({ format: "der", type: "spki" }).subarray(derPrefix.length);
}

/** The package with a signature, which takes the place of one that it had. */
export function signPackage(zip: Buffer, privateKey: KeyObject): Buffer {
	const bare = withoutComment(zip);
	const signature = sign(null, messageOf(bare), privateKey);
	const key = rawOf(publicKey(privateKey).key);
	const comment = Buffer.from(
		`${marker} 1\nkey: ${key.toString("base64")}\nsignature: ${signature.toString("base64")}\n`,
	);
	const signed = Buffer.concat([bare, comment]);
	signed.writeUInt16LE(comment.length, bare.length - lengthField);
	return signed;
}

/**
 * Who signed the package; null: nobody.
 * @throws SafekitError PACKAGE_SIGNATURE: its bytes are not those that were signed.
 */
export function signerOf(zip: Buffer): PublicKey | null {
	const { commentAt } = endOf(zip);
	const comment = zip.subarray(commentAt).toString("latin1");
	if (!comment.startsWith(marker)) return null;
	const [, key = "", signature = ""] = shape.exec(comment) ?? [];
	const [rawKey, rawSignature] = [Buffer.from(key, "base64"), Buffer.from(signature, "base64")];
	// Unused bits of the last letter would let the same signature be written in several ways.
	const isExact = rawKey.toString("base64") === key && rawSignature.toString("base64") === signature;
	if (key === "" || !isExact) {
		throw new SafekitError("PACKAGE_SIGNATURE", "the package has a signature that cannot be read");
	}
	const signer = publicKey(createPublicKey({ key: Buffer.concat([derPrefix, rawKey]), format: "der", type: "spki" }));
	if (!verify(null, messageOf(withoutComment(zip)), signer.key, rawSignature)) {
		throw new SafekitError("PACKAGE_SIGNATURE", "the package was changed after it was signed");
	}
	return signer;
}

/** The zip as it is without a comment. */
function withoutComment(zip: Buffer): Buffer {
	const { commentAt } = endOf(zip);
	const bare = Buffer.from(zip.subarray(0, commentAt));
	bare.writeUInt16LE(0, commentAt - lengthField);
	return bare;
}

/** Says what is signed, so that a signature of something else can never be taken for one of a package. */
function messageOf(bare: Buffer): Buffer {
	return Buffer.from(`opensafe package 1\nsha256 ${createHash("sha256").update(bare).digest("hex")}\n`);
}
