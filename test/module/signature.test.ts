import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { SafekitError } from "../../core/errors.ts";
import { installModule } from "../../core/module/install.ts";
import { readPackage } from "../../core/module/package/read.ts";
import { signerOf, signPackage } from "../../core/module/package/signature.ts";
import { receiveModule } from "../../core/module/receive.ts";
import { newKey } from "../../core/module/signing/keys.ts";
import { signFile, verifyFile } from "../../core/module/signing/sign.ts";
import { acceptSignedOnly, distrustKey, readTrust, trustKey } from "../../core/module/signing/trust.ts";
import { type Place, place, schema } from "./place.ts";
import { goodEntry, type RawEntry, rawZip } from "./zips.ts";

const manifest = (version = "1.0.0") => ({ name: "module.json", content: JSON.stringify({ name: "web", version }) });
const script: RawEntry = { name: "bin/start_prim", content: "#!/bin/sh\nexit 0\n", mode: 0o100755 };
const entries = (version?: string): RawEntry[] => [script, goodEntry, manifest(version)];

/** A server, and an author with a key and a signed package. */
async function author(t: ExecutionContext): Promise<Place & { key: string; file: string; fingerprint: string }> {
	const here = await place(t);
	const key = join(here.top, "me.key");
	const { fingerprint } = await newKey(key);
	const file = await here.pack("web.safe", entries());
	await signFile(file, file, key);
	return { ...here, key, file, fingerprint };
}

async function refused(
	t: ExecutionContext,
	attempt: Promise<unknown>,
	code: string,
	exit: number,
): Promise<SafekitError> {
	const error = await t.throwsAsync(attempt, { instanceOf: SafekitError });
	t.deepEqual([error?.code, error?.exit], [code, exit] as never, error?.message);
	t.not(error?.remedy, "");
	return error as SafekitError;
}

test("a signed package is read by everybody as before, and says who signed it", async (t) => {
	const { top, key, file, fingerprint, paths, pack } = await author(t);
	t.regex(fingerprint, /^SHA256:[\w+/]{43}$/);
	const plain = await readPackage(await pack("plain.safe", entries()));
	const signed = await readPackage(file);
	const listed = ({ files }: typeof plain) => files.map((one) => [one.name, one.mode, one.content().toString()]);
	t.deepEqual(listed(signed), listed(plain));
	t.deepEqual(await verifyFile(paths, file, `${key}.pub`), {
		...{ file, name: "web", version: "1.0.0", fingerprint, trustedAs: null },
	});
	// Signing again replaces the signature, and the same key gives the same bytes.
	const once = await readFile(file);
	await signFile(file, join(top, "again.safe"), key);
	t.deepEqual(await readFile(join(top, "again.safe")), once);
	try {
		const code =
			"import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(len(z.infolist()))";
		t.is(execFileSync("python3", ["-c", code, file], { encoding: "utf8" }), "3\n");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		t.log("skipped: no python3 here");
	}
});

test("keys: 0600, never overwritten, of one kind only, and not for others to read", async (t) => {
	const { top, key, file, paths } = await author(t);
	t.is((await stat(key)).mode & 0o777, 0o600);
	t.is((await stat(`${key}.pub`)).mode & 0o777, 0o644);
	await refused(t, newKey(key), "PACKAGE_KEY", 1);
	await refused(t, newKey(join(top, "no/such.key")), "PACKAGE_KEY", 1);
	await writeFile(join(top, "half.key.pub"), "");
	await refused(t, newKey(join(top, "half.key")), "PACKAGE_KEY", 1);
	await t.throwsAsync(stat(join(top, "half.key")), { code: "ENOENT" });
	await chmod(key, 0o640);
	t.regex((await refused(t, signFile(file, file, key), "PACKAGE_KEY_OPEN", 4)).remedy, /chmod 600/);
	await chmod(key, 0o600);
	await refused(t, signFile(file, file, `${key}.pub`), "PACKAGE_KEY_OPEN", 4);
	await refused(t, verifyFile(paths, file, key), "PACKAGE_KEY", 1);
	await refused(t, verifyFile(paths, file, file), "PACKAGE_KEY", 1);
	const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
	await writeFile(join(top, "rsa"), rsa.privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
	await refused(t, signFile(file, file, join(top, "rsa")), "PACKAGE_KEY", 1);
	const bare = await place(t);
	const noManifest = await bare.pack("m.safe", [goodEntry]);
	await refused(t, signFile(noManifest, noManifest, key), "PACKAGE_MANIFEST", 3);
});

/** How people change a package: unzip, change, zip again, with the signature of before behind it. */
const tampered: [what: string, entries: RawEntry[]][] = [
	["a changed script", [{ ...script, content: "#!/bin/sh\nexit 1\n" }, goodEntry, manifest()]],
	["another mode", [{ ...script, mode: 0o100644 }, goodEntry, manifest()]],
	["another name", [{ ...script, name: "bin/stop_prim" }, goodEntry, manifest()]],
	["an added file", [...entries(), { name: "bin/stop_prim", content: "x" }]],
	["an added folder", [...entries(), { name: "web/", mode: 0o040755 }]],
	["an added empty file", [...entries(), { name: "bin/empty" }]],
	["a removed file", [goodEntry, manifest()]],
	["a file twice", [...entries(), script]],
	["another order", [goodEntry, script, manifest()]],
	["another version", [script, goodEntry, manifest("9.0.0")]],
	["other capitals", [{ ...script, name: "bin/Start_prim" }, goodEntry, manifest()]],
	["a top folder", entries().map((entry) => ({ ...entry, name: `web/${entry.name}` }))],
	["backslashes", entries().map((entry) => ({ ...entry, name: String(entry.name).replace("/", "\\") }))],
	["a file stored under a declared size", [{ ...script, declaredSize: 3 }, goodEntry, manifest()]],
];

for (const [what, changed] of tampered) {
	test(`refused after signing: ${what}`, async (t) => {
		const { top, paths, file, key } = await author(t);
		await trustKey(paths, `${key}.pub`);
		const signed = await readFile(file);
		const comment = signed.subarray(rawZip(entries()).length);
		const zip = rawZip(changed);
		zip.writeUInt16LE(comment.length, zip.length - 2);
		const evil = join(top, "evil.safe");
		await writeFile(evil, Buffer.concat([zip, comment]));
		const attempts = [() => verifyFile(paths, evil, null), () => installModule(paths, { file: evil, name: "web" })];
		for (const attempt of attempts) {
			const error = await t.throwsAsync<Error>(attempt, { instanceOf: SafekitError });
			t.is((error as SafekitError).exit, 3, error?.message);
		}
		t.throws(() => signerOf(Buffer.concat([zip, comment])), { code: "PACKAGE_SIGNATURE" });
	});
}

test("bytes before, between and behind the entries count too", async (t) => {
	const { file } = await author(t);
	const signed = await readFile(file);
	t.truthy(signerOf(signed));
	t.throws(() => signerOf(Buffer.concat([Buffer.from("x"), signed])), { code: "PACKAGE_SIGNATURE" });
	t.throws(() => signerOf(Buffer.concat([signed, Buffer.from("x")])), { code: "PACKAGE_NOT_ZIP" });
	const again = rawZip([{ name: "bin/x" }, goodEntry, manifest()]);
	t.throws(() => signerOf(Buffer.concat([again, signed])), { code: "PACKAGE_SIGNATURE" });
	t.is(signerOf(rawZip(entries())), null);
});

test("whatever byte is changed, inserted or left out, the package never counts as signed", async (t) => {
	const pair = generateKeyPairSync("ed25519");
	const signed = signPackage(rawZip(entries()), pair.privateKey);
	const isSigned = (bytes: Buffer): boolean => {
		try {
			return signerOf(bytes) !== null;
		} catch (error) {
			if (error instanceof SafekitError) return false;
			throw error;
		}
	};
	t.true(isSigned(signed));
	// Every single byte, three other values each.
	for (let at = 0; at < signed.length; at++) {
		for (const other of [0x01, 0x20, 0xff]) {
			const bytes = Buffer.from(signed);
			bytes[at] = (bytes[at] ?? 0) ^ other;
			t.false(isSigned(bytes), `byte ${at} ^ ${other}`);
		}
	}
	const cut = fc.record({ at: fc.nat(signed.length), removed: fc.nat(40), inserted: fc.uint8Array({ maxLength: 40 }) });
	fc.assert(
		fc.property(cut, ({ at, removed, inserted }) => {
			const bytes = Buffer.concat([signed.subarray(0, at), inserted, signed.subarray(at + removed)]);
			return bytes.equals(signed) || !isSigned(bytes);
		}),
		{ numRuns: 2000 },
	);
	// Somebody else's key and signature do not fit into each other.
	const other = signPackage(rawZip(entries("2.0.0")), generateKeyPairSync("ed25519").privateKey);
	const commentOf = (zip: Buffer) => zip.subarray(zip.indexOf("Opensafe signature")).toString().split("\n");
	const [mine, theirs] = [commentOf(signed), commentOf(other)];
	const bare = signed.subarray(0, signed.indexOf("Opensafe signature"));
	for (const comment of [theirs, [mine[0], theirs[1], mine[2], ""], [mine[0], mine[1], theirs[2], ""]]) {
		t.false(isSigned(Buffer.concat([bare, Buffer.from(comment.join("\n"))])));
	}
});

test("a server that accepts signed packages only", async (t) => {
	const { top, paths, file, key, fingerprint, pack } = await author(t);
	t.deepEqual(await readTrust(paths), { signedOnly: false, keys: [], damaged: [] });
	await refused(t, acceptSignedOnly(paths, true), "PACKAGE_POLICY", 4);
	await refused(t, verifyFile(paths, file, null), "PACKAGE_UNTRUSTED", 4);
	await trustKey(paths, `${key}.pub`, "partner");
	await acceptSignedOnly(paths, true);
	t.deepEqual(await readTrust(paths), { signedOnly: true, keys: [{ name: "partner", fingerprint }], damaged: [] });
	t.is((await verifyFile(paths, file, null)).trustedAs, "partner");
	t.like(await installModule(paths, { file }), { signer: { fingerprint, trustedAs: "partner" }, concerns: [] });

	const unsigned = await pack("unsigned.safe", entries());
	await refused(t, verifyFile(paths, unsigned, null), "PACKAGE_UNSIGNED", 4);
	await refused(t, installModule(paths, { file: unsigned }), "PACKAGE_UNSIGNED", 4);
	const stranger = join(top, "stranger.key");
	await newKey(stranger);
	await signFile(unsigned, join(top, "theirs.safe"), stranger);
	await refused(t, installModule(paths, { file: join(top, "theirs.safe"), yes: true }), "PACKAGE_UNTRUSTED", 4);
	await refused(t, trustKey(paths, `${stranger}.pub`, "partner"), "PACKAGE_KEY", 1);
	await refused(t, trustKey(paths, `${stranger}.pub`, "../x"), "USAGE", 2);
	await refused(t, trustKey(paths, stranger), "PACKAGE_KEY", 1);

	await distrustKey(paths, "partner");
	await refused(t, installModule(paths, { file, replace: true }), "PACKAGE_UNTRUSTED", 4);
	await refused(t, distrustKey(paths, "partner"), "USAGE", 2);
	await acceptSignedOnly(paths, false);
	t.like(await installModule(paths, { file, replace: true }), {
		notes: [`signed by a key that is not trusted here (${fingerprint})`],
	});
});

test("an older version that comes back is told; where only signed ones are accepted it needs --yes", async (t) => {
	const { top, paths, file, key, pack } = await author(t);
	await trustKey(paths, `${key}.pub`);
	const next = await pack("next.safe", entries("1.1.0"));
	await signFile(next, next, key);
	await installModule(paths, { file: next, name: "web" });
	const back = { file, name: "web", replace: true };
	const older = "it is older than what it replaces: 1.1.0 → 1.0.0";
	t.like(await installModule(paths, back), { notes: [older], concerns: [] });
	await installModule(paths, { ...back, file: next });
	await acceptSignedOnly(paths, true);
	const error = await refused(t, installModule(paths, back), "PACKAGE_CONSENT", 4);
	t.true(error.message.includes(older));
	t.like(await installModule(paths, { ...back, yes: true }), { concerns: [older] });
	t.like(await installModule(paths, back), { concerns: [], notes: [] }, "the same version again");
	// What this server kept of itself comes back without a question.
	const kept = join(top, "kept.safe");
	await writeFile(kept, rawZip([goodEntry]));
	t.like(await installModule(paths, { file: kept, name: "web", replace: true, ours: true }), { concerns: [] });
});

test("what cannot be read is no permission", async (t) => {
	const { top, paths, file, key } = await author(t);
	await mkdir(join(paths.safe, "conf/trusted-keys"), { recursive: true });
	await writeFile(join(paths.safe, "conf/packages.json"), '{"signedOnly":"no"}');
	await refused(t, installModule(paths, { file }), "PACKAGE_POLICY", 4);
	await trustKey(paths, `${key}.pub`).catch(() => null);
	await acceptSignedOnly(paths, false);
	await writeFile(join(paths.safe, "conf/trusted-keys/bad.pub"), "hello");
	await symlink(`${key}.pub`, join(paths.safe, "conf/trusted-keys/link.pub"));
	const { keys, damaged } = await readTrust(paths);
	t.deepEqual(keys, []);
	t.is(damaged.length, 2);
	t.regex(damaged[0]?.why ?? "", /bad\.pub is no public key/);
	t.truthy(top);
});

test("a module from another server is judged like one that is installed here", async (t) => {
	const { paths, file, key, pack } = await author(t);
	const options = { schema, environment: {}, hook: async () => ({ ran: false, exitCode: null }) };
	const receive = async (bytes: Buffer, yes = false) =>
		receiveModule(paths, { name: "web", id: 1, bytes, from: "n1", yes }, options);
	await installModule(paths, { file, name: "web" });
	const content = JSON.stringify({ name: "web", version: "1.1.0", permissions: { read: ["/etc/"] } });
	const more = await readFile(await pack("more.safe", [script, goodEntry, { name: "module.json", content }]));
	const error = await refused(t, receive(more), "PACKAGE_CONSENT", 4);
	t.regex(error.message, /may read all below \/etc\//);
	t.is((await receive(more, true)).configuration.module, "web");
	await trustKey(paths, `${key}.pub`);
	await acceptSignedOnly(paths, true);
	await refused(t, receive(more, true), "PACKAGE_UNSIGNED", 4);
});
