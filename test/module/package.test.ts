import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { SafekitError } from "../../core/errors.ts";
import { checkPackage } from "../../core/module/check.ts";
import { installModule } from "../../core/module/install.ts";
import { packTemplates } from "../../core/module/pack/templates.ts";
import { readPackage } from "../../core/module/package/read.ts";
import { writePackage } from "../../core/module/package/write.ts";
import { place, schema } from "./place.ts";
import { goodEntry, type RawEntry, rawZip, userconfig } from "./zips.ts";

const hostile: [what: string, entries: RawEntry[], code: string, names: RegExp][] = [
	["../x", [goodEntry, { name: "../x" }], "PACKAGE_NAME", /\.\.\/x/],
	["..\\x", [goodEntry, { name: "bin\\..\\..\\x" }], "PACKAGE_NAME", /\.\./],
	["C:\\x", [goodEntry, { name: "C:\\x" }], "PACKAGE_NAME", /C:/],
	["C:x", [goodEntry, { name: "C:x" }], "PACKAGE_NAME", /C:x/],
	["an absolute path", [goodEntry, { name: "/etc/cron.d/x" }], "PACKAGE_NAME", /\/etc\/cron\.d\/x/],
	["a share", [goodEntry, { name: "\\\\server\\share" }], "PACKAGE_NAME", /server/],
	["a NUL in a name", [goodEntry, { name: "bin/x\0.sh" }], "PACKAGE_NAME", /bin\/x/],
	["a name that is not UTF-8", [goodEntry, { name: Buffer.from([0x62, 0xff]) }], "PACKAGE_NAME", /UTF-8/],
	["a long name", [goodEntry, { name: "x".repeat(256) }], "PACKAGE_NAME", /256 bytes/],
	["a link", [goodEntry, { name: "bin/x", content: "/etc/passwd", mode: 0o120777 }], "PACKAGE_LINK", /bin\/x/],
	["a link as a folder", [goodEntry, { name: "web/", mode: 0o120777 }], "PACKAGE_LINK", /web/],
	["a device", [goodEntry, { name: "bin/x", mode: 0o020666 }], "PACKAGE_LINK", /bin\/x/],
	["a name twice", [goodEntry, goodEntry], "PACKAGE_DUPLICATE", /userconfig/],
	["capitals only", [goodEntry, { name: "bin/a" }, { name: "BIN/A" }], "PACKAGE_DUPLICATE", /BIN\/A/],
	["a declared bomb", [goodEntry, { name: "bin/x", declaredSize: 300 * 1024 * 1024 }], "PACKAGE_LIMIT", /bin\/x/],
	[
		"a bomb that lies",
		[goodEntry, { name: "bin/x", content: Buffer.alloc(50_000_000), declaredSize: 10 }],
		"PACKAGE_LIMIT",
		/bin\/x/,
	],
	[
		"many small bombs",
		Array.from({ length: 9000 }, (_, n) => ({ name: `bin/${n}`, declaredSize: 40_000 })),
		"PACKAGE_LIMIT",
		/bin\//,
	],
	[
		"a size that is too large",
		[goodEntry, { name: "bin/x", content: "ab", declaredSize: 3 }],
		"PACKAGE_DAMAGED",
		/bin\/x/,
	],
	["encryption", [goodEntry, { name: "bin/x", flags: 1 }], "PACKAGE_DAMAGED", /encrypted/],
	["an unknown method", [goodEntry, { name: "bin/x", method: 14 }], "PACKAGE_DAMAGED", /method 14/],
	["no userconfig", [{ name: "bin/x" }], "PACKAGE_NO_USERCONFIG", /conf\/userconfig\.xml/],
	["no entry at all", [], "PACKAGE_NO_USERCONFIG", /conf\/userconfig\.xml/],
];

for (const [what, entries, code, names] of hostile) {
	test(`refused, with nothing left behind: ${what}`, async (t) => {
		const here = await place(t);
		const file = await here.pack("m.safe", entries);
		const error = await t.throwsAsync(installModule(here.paths, { file }), { instanceOf: SafekitError });
		t.deepEqual([error?.code, error?.exit], [code, 3]);
		t.regex(error?.message ?? "", names);
		t.deepEqual(
			(await here.tree()).filter(
				(name) => !/^(m\.safe|safe|safe\/modules|var|var\/run|var\/run\/modules\.lock)$/.test(name),
			),
			[],
		);
		const report = await checkPackage(file, schema, {});
		t.false(report.ok);
		t.deepEqual([report.problems.at(-1)?.code, report.problems.at(-1)?.file], [code as never, file]);
	});
}

test("100,000 entries are refused before anything is read", async (t) => {
	const here = await place(t);
	const file = await here.pack(
		"m.safe",
		Array.from({ length: 100_000 }, (_, n) => ({ name: `${n}` })),
	);
	await t.throwsAsync(readPackage(file), { code: "PACKAGE_LIMIT", message: /65,535 or more entries/ });
	const lying = join(here.top, "lying.safe");
	await writeFile(
		lying,
		rawZip(
			Array.from({ length: 20_000 }, (_, n) => ({ name: `${n}` })),
			{ declaredCount: 5 },
		),
	);
	await t.throwsAsync(readPackage(lying), { code: "PACKAGE_DAMAGED" });
});

test("what is no zip is refused", async (t) => {
	const here = await place(t);
	const file = join(here.top, "m.safe");
	for (const content of ["", "hello", "PK\x03\x04", "x".repeat(100_000)]) {
		await writeFile(file, content);
		await t.throwsAsync(readPackage(file), { code: "PACKAGE_NOT_ZIP" });
	}
	await t.throwsAsync(readPackage(here.top), { code: "PACKAGE_NOT_ZIP" });
	await t.throwsAsync(readPackage(join(here.top, "no")), { code: "PACKAGE_NOT_FOUND" });
	const good = rawZip([goodEntry, { name: "bin/x", content: "y".repeat(1000) }]);
	for (let cut = 1; cut < good.length; cut += 7) {
		await writeFile(file, good.subarray(0, cut));
		await t.throwsAsync(readPackage(file), { instanceOf: SafekitError });
	}
});

test("a package whose bytes were changed anywhere never gives other content", async (t) => {
	const here = await place(t);
	const good = rawZip([goodEntry, { name: "bin/x", content: "0123456789".repeat(20) }]);
	for (let at = 0; at < good.length; at++) {
		const bytes = Buffer.from(good);
		bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
		const file = join(here.top, "m.safe");
		await writeFile(file, bytes);
		try {
			const { files } = await readPackage(file);
			for (const each of files) t.true([userconfig, "0123456789".repeat(20)].includes(each.content().toString()));
		} catch (error) {
			t.true(error instanceof SafekitError, `byte ${at}: ${error}`);
		}
	}
});

test("names, bytes and modes survive packing and reading, and equal input gives equal bytes", async (t) => {
	const here = await place(t);
	const folder = join(here.top, "module");
	await mkdir(join(folder, "conf"), { recursive: true });
	await mkdir(join(folder, "bin/sub"), { recursive: true });
	await mkdir(join(folder, "web"));
	await writeFile(join(folder, "conf/userconfig.xml"), userconfig);
	await writeFile(join(folder, "bin/start_prim"), "#!/bin/sh\r\nnot normalised\r\n", { mode: 0o600 });
	await writeFile(join(folder, "bin/sub/é"), Buffer.from([0, 1, 255]));
	await writeFile(join(folder, "conf/empty"), "");
	const [one, two] = [join(here.top, "one.safe"), join(here.top, "two.safe")];
	await writePackage(folder, one);
	await utimes(join(folder, "bin/start_prim"), 1, 1);
	await chmod(join(folder, "bin/start_prim"), 0o700);
	await writePackage(folder, two);
	t.deepEqual(await readFile(one), await readFile(two));
	const read = await readPackage(one);
	t.deepEqual(
		read.files.map(({ name, mode, content }) => [name, mode, content().toString("latin1")]),
		[
			["bin/start_prim", 0o755, "#!/bin/sh\r\nnot normalised\r\n"],
			["bin/sub/é", 0o755, "\0\x01\xff"],
			["conf/empty", 0o644, ""],
			["conf/userconfig.xml", 0o644, userconfig],
		],
	);
	t.deepEqual(read.folders, ["bin", "bin/sub", "conf", "web"]);
	await symlink("/etc/passwd", join(folder, "bin/link"));
	await t.throwsAsync(writePackage(folder, two), { code: "PACKAGE_LINK", message: /bin\/link/ });
	t.deepEqual(await readFile(one), await readFile(two), "the package of before is still whole");
});

test("packages that people make by hand are read: top folder, backslashes, no modes, litter", async (t) => {
	const here = await place(t);
	const file = await here.pack("m.zip", [
		{ name: "my module\\conf\\userconfig.xml", content: userconfig },
		{ name: "my module\\bin\\stop_prim", content: "x" },
		{ name: "__MACOSX/my module/._x" },
		{ name: "my module/.DS_Store" },
	]);
	t.deepEqual(
		(await readPackage(file)).files.map(({ name, mode }) => [name, mode]),
		[
			["conf/userconfig.xml", 0o644],
			["bin/stop_prim", 0o755],
		],
	);
});

test("other programs read what we pack", async (t) => {
	const here = await place(t);
	const folder = join(here.top, "templates/m");
	await mkdir(join(folder, "conf"), { recursive: true });
	await mkdir(join(folder, "bin"));
	await writeFile(join(folder, "conf/userconfig.xml"), userconfig);
	await writeFile(join(folder, "bin/prestart"), "#!/bin/sh\n");
	t.deepEqual(await packTemplates(join(here.top, "templates"), here.top), [join(here.top, "m.safe")]);
	const script =
		"import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nfor i in z.infolist(): print(i.filename, oct(i.external_attr>>16), i.create_system)";
	let listed: string;
	try {
		listed = execFileSync("python3", ["-c", script, join(here.top, "m.safe")], { encoding: "utf8" });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return t.log("skipped: no python3 here");
		throw error;
	}
	t.is(listed, "bin/ 0o40755 3\nbin/prestart 0o100755 3\nconf/ 0o40755 3\nconf/userconfig.xml 0o100644 3\n");
});

test("check reports all problems of a package and of a folder alike", async (t) => {
	const here = await place(t);
	const xml = userconfig.replace('mode="mirror"', 'mode="mirror" bot="on"');
	const entries = [
		{ name: "conf/userconfig.xml", content: xml },
		{ name: "module.json", content: '{"name":"m","version":"1.0.0","requires":{"core":"one"}}' },
		{ name: "bin/start_prim", content: "#!/bin/sh\r\n" },
	];
	const file = await here.pack("m.safe", entries);
	const codes = ["CONFIG_MISSING", "CONFIG_UNKNOWN_ATTRIBUTE", "PACKAGE_MANIFEST", "PACKAGE_SCRIPT"];
	const ofFile = await checkPackage(file, schema, {});
	t.deepEqual(ofFile.problems.map(({ code }) => code).sort(), codes as never);
	t.false(ofFile.ok);
	await t.throwsAsync(installModule(here.paths, { file }), { message: /requires\.core is no semver range/ });
	const good = entries.filter(({ name }) => name !== "module.json");
	await installModule(here.paths, { name: "m", file: await here.pack("good.safe", good) });
	await writeFile(join(here.paths.safe, "modules/m/module.json"), entries[1]?.content ?? "");
	const ofFolder = await checkPackage(join(here.paths.safe, "modules/m"), schema, {});
	t.deepEqual(ofFolder.problems.map(({ code }) => code).sort(), codes as never);
	t.true((await checkPackage(await here.pack("n.safe", [goodEntry]), schema, {})).ok);
	await t.throwsAsync(checkPackage(join(here.top, "none.safe"), schema, {}), { code: "PACKAGE_NOT_FOUND" });
	t.is((await stat(file)).isFile(), true);
});
