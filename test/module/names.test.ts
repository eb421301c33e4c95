import { join, normalize, resolve, win32 } from "node:path";
import test from "ava";
import fc from "fast-check";
import { SafekitError } from "../../core/errors.ts";
import { commonTopFolder, refuseCollisions, safeName } from "../../core/module/package/names.ts";

const named = (name: string): string => safeName(Buffer.from(name));

test("names stay below the folder, on every system, whatever they are made of", (t) => {
	const piece = fc.constantFrom(
		"..",
		".",
		"/",
		"\\",
		"a",
		"C:",
		" ",
		"con",
		"\0",
		"é",
		"~",
		"%2e",
		":",
		"\n",
		"-",
		"x".repeat(120),
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
			let name: string;
			try {
				name = named(pieces.join(""));
			} catch (error) {
				return t.true(error instanceof SafekitError && error.code === "PACKAGE_NAME");
			}
			t.true(resolve(join("/top/module", name)).startsWith("/top/module"));
			t.true(win32.resolve("D:\\top\\module", name).startsWith("D:\\top\\module"));
			t.notRegex(name, /[\\:\0]|^\/|\/\//);
			t.is(name, name === "" ? "" : normalize(name));
		}),
		{ numRuns: 3000 },
	);
});

test("any bytes give a name or a refusal", (t) => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => {
			try {
				t.true(Buffer.byteLength(safeName(raw)) <= 255);
			} catch (error) {
				t.true(error instanceof SafekitError);
			}
		}),
		{ numRuns: 1000 },
	);
});

test("tolerated spellings", (t) => {
	t.is(named("conf\\userconfig.xml"), "conf/userconfig.xml");
	t.is(named("./bin//start_prim"), "bin/start_prim");
	t.is(named("web/"), "web/");
	t.is(named("web\\"), "web/");
});

test("one common top folder goes, and only then", (t) => {
	t.is(commonTopFolder(["m/", "m/conf/userconfig.xml", "m/bin/x"]), "m/");
	t.is(commonTopFolder(["m/conf/userconfig.xml", "other"]), "");
	t.is(commonTopFolder(["conf/userconfig.xml", "bin/x"]), "");
	t.is(commonTopFolder(["m/x", "m/y"]), "");
	t.is(commonTopFolder([]), "");
});

test("names that meet on a disk are refused", (t) => {
	for (const names of [
		["a", "a"],
		["a", "A"],
		["a", "a/b"],
		["a/b", "A"],
		["a/", "a"],
	]) {
		t.throws(() => refuseCollisions(names), { code: "PACKAGE_DUPLICATE" }, names.join());
	}
	t.notThrows(() => refuseCollisions(["a/", "a/b", "a/c/", "a/c/b"]));
});
