import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { coreVersion } from "../../core/engine/version.ts";
import { SafekitError } from "../../core/errors.ts";
import { checkPackage } from "../../core/module/check.ts";
import { installModule, rehearseInstall } from "../../core/module/install.ts";
import { JsonError, readJson } from "../../core/module/package/json.ts";
import { readManifest, unmetNeeds } from "../../core/module/package/manifest.ts";
import { place, schema } from "./place.ts";
import { goodEntry } from "./zips.ts";

const whole = {
	name: "web",
	version: "1.2.3",
	plugin: "mirror",
	requires: { core: "^0.1" },
	permissions: { net: ["127.0.0.1:8080", "*.example.com:443"], exec: ["/usr/bin/psql"], read: ["/etc/app/"] },
};

function read(value: unknown) {
	const text = typeof value === "string" ? value : JSON.stringify(value);
	return readManifest(Buffer.from(text), "module.json");
}

/** What is wrong, as `line:column message`. */
function wrong(value: unknown): string[] {
	const answer = read(value);
	return "manifest" in answer ? [] : answer.problems.map((one) => `${one.line}:${one.column} ${one.message}`);
}

test("a whole module.json and the shortest one", (t) => {
	t.deepEqual(read(whole), { manifest: whole });
	t.deepEqual(read({ name: "a", version: "0.0.1" }), {
		manifest: {
			name: "a",
			version: "0.0.1",
			plugin: null,
			requires: { core: "*" },
			permissions: { net: [], exec: [], read: [] },
		},
	});
});

test("JSON that is none has the line and column of the mistake", (t) => {
	const syntax = (text: string) => wrong(text)[0];
	t.is(
		syntax('{\n\t"name": "a",\n\t"version": 1.0.0\n}'),
		'3:16 module.json is no JSON: expected "," or "}", found ".0\\n}"',
	);
	t.is(syntax('{"name": "a",}'), '1:14 module.json is no JSON: expected a key in double quotes, found "}"');
	t.is(syntax("{'name': 1}"), "1:2 module.json is no JSON: expected a key in double quotes, found \"'name': 1}\"");
	t.is(syntax(""), "1:1 module.json is no JSON: expected a value, found the end of the file");
	t.is(syntax('{"name": "a"'), '1:13 module.json is no JSON: expected "," or "}", found the end of the file');
	t.is(syntax("{} // x"), '1:4 module.json is no JSON: expected the end of the file, found "// x"');
	t.regex(syntax('{"name":"a","name":"b"}') ?? "", /^1:13 .*the key "name" only once/);
	t.regex(syntax("[".repeat(60_000)) ?? "", /^1:18 .*at most 16 levels/);
	t.like(readManifest(Buffer.from([0x7b, 0xff]), "f"), { problems: [{ message: "module.json is not UTF-8" }] });
	t.regex(wrong(`{"name":"${"a".repeat(70_000)}"}`)[0] ?? "", /65536 are the limit/);
});

test("what is read as JSON is what JSON.parse reads, and nothing else is read", (t) => {
	const same = (text: string): void => {
		let expected: { value: unknown } | null = null;
		try {
			expected = { value: JSON.parse(text) };
		} catch {
			// Both have to refuse it.
		}
		try {
			t.deepEqual({ value: readJson(text).value }, expected as { value: unknown });
		} catch (error) {
			if (!(error instanceof JsonError)) throw error;
			t.is(expected, null, text);
		}
	};
	fc.assert(fc.property(fc.json({ maxDepth: 4 }), (text) => same(text)));
	const damaged = fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom("", ",", "}", '"', "1", "\u0001", "\\"));
	fc.assert(
		fc.property(damaged, ([text, at, sign]) => {
			const where = at % (text.length + 1);
			same(text.slice(0, where) + sign + text.slice(where + 1));
		}),
	);
});

test("each thing that is wrong is named with its place, and what was probably meant", (t) => {
	const text = JSON.stringify({ ...whole, permision: {}, permissions: { nett: [], net: ["a b", 7] } }, null, 1);
	const answer = read(text);
	const problems = "problems" in answer ? answer.problems : [];
	const byMessage = new Map(problems.map((one) => [one.message, one]));
	const lineOf = (needle: string) => text.slice(0, text.indexOf(needle)).split("\n").length;
	t.like(byMessage.get('module.json: "permision" means nothing here'), {
		line: lineOf('"permision"'),
		remedy: "Did you mean `permissions`?",
	});
	t.like(byMessage.get('module.json: "nett" means nothing here'), {
		line: lineOf('"nett"'),
		remedy: "Did you mean `net`?",
	});
	t.like(byMessage.get("module.json: permissions.net.0 'a b' contains a blank"), { line: lineOf('"a b"') });
	t.like(byMessage.get("module.json: permissions.net.1 has to be a string"), { line: lineOf("7") });
	t.is(problems.length, 4);
	t.deepEqual(wrong({ name: "a" }), ["1:1 module.json: version is missing"]);
	t.regex(wrong({ ...whole, version: "1.2" })[0] ?? "", /version is no semantic version, as 1\.0\.0/);
	t.regex(wrong({ ...whole, version: "v1.2.3" })[0] ?? "", /no semantic version/);
	t.regex(wrong({ ...whole, name: "../x" })[0] ?? "", /name has to be letters/);
	t.regex(wrong({ ...whole, requires: { core: "yes" } })[0] ?? "", /requires\.core is no semver range/);
	t.regex(wrong("[]")[0] ?? "", /the file has to be an object/);
	t.regex(wrong('{"__proto__":{"a":1},"name":"a","version":"1.0.0"}')[0] ?? "", /"__proto__" means nothing here/);
	const many = Array.from({ length: 65 }, (_, n) => `/usr/bin/p${n}`);
	t.regex(wrong({ ...whole, permissions: { exec: many } })[0] ?? "", /permissions\.exec has more than 64 entries/);
	t.regex(wrong({ ...whole, permissions: { read: [`/${"x".repeat(255)}`] } })[0] ?? "", /longer than 255 bytes/);
});

test("what the package needs of this server is judged, and both versions are named", (t) => {
	const manifest = { ...whole, requires: { core: "^9" }, plugin: "miror" };
	const found = unmetNeeds(manifest, ["mirror", "light"], "f");
	t.deepEqual(
		found.map(({ code, message, remedy }) => [code, message, remedy]),
		[
			["PACKAGE_CORE", `web 1.2.3 needs core ^9, this is core ${coreVersion}`, found[0]?.remedy],
			["PACKAGE_PLUGIN", "web 1.2.3 needs the plugin miror, which is not loaded", "Did you mean `mirror`?"],
		],
	);
	t.deepEqual(unmetNeeds(whole, ["mirror"], "f"), []);
	t.deepEqual(unmetNeeds({ ...whole, plugin: "other" }, undefined, "f"), []);
});

function packageWith(manifest: object) {
	return [goodEntry, { name: "module.json", content: JSON.stringify(manifest) }];
}

test("check says in words what a package asks for, and which scripts run as root", async (t) => {
	const here = await place(t);
	const xml = `<safe><service mode="mirror"><heart><heartbeat name="default"/></heart><user/><check>
		<custom ident="a" when="prim" exec="checks/web.ts"/><custom ident="b" when="prim" exec="vmcheck"/>
	</check></service></safe>`;
	const script = (name: string) => ({ name, content: "#!/bin/sh\n" });
	const entries = [
		{ name: "conf/userconfig.xml", content: xml },
		{ name: "module.json", content: JSON.stringify(whole) },
		...["bin/start_prim", "bin/vmcheck", "bin/library"].map(script),
		{ name: "bin/checks/web.ts", content: "export default 1" },
	];
	const report = await checkPackage(await here.pack("web.safe", entries), schema, {}, { plugins: ["mirror"] });
	t.deepEqual(report.asks, [
		"may connect to 127.0.0.1:8080",
		"may connect to every host below example.com:443",
		"may run /usr/bin/psql",
		"may read all below /etc/app/",
		"runs in the sandbox: checkers checks/web.ts",
		"runs as root: scripts start_prim, vmcheck",
	]);
	const none = await checkPackage(
		await here.pack(
			"n.safe",
			entries.filter(({ name }) => name !== "module.json"),
		),
		schema,
		{},
	);
	t.deepEqual(none.asks, [
		"runs in the sandbox: checkers checks/web.ts; they may neither connect, run nor read anything",
		"runs as root: scripts start_prim, vmcheck",
	]);
});

test("a package for another core or without its plugin is refused, and nothing is installed", async (t) => {
	const here = await place(t);
	const wants = { ...whole, requires: { core: ">=2" } };
	const file = await here.pack("web.safe", packageWith(wants));
	const error = await t.throwsAsync(installModule(here.paths, { file }), { instanceOf: SafekitError });
	t.like(error, { exit: 3 });
	t.regex(error?.message ?? "", /needs core >=2, this is core/);
	const report = await checkPackage(file, schema, {}, { plugins: ["light"] });
	t.deepEqual(
		report.problems.map(({ code }) => code),
		["PACKAGE_CORE", "PACKAGE_PLUGIN"],
	);
	t.false(report.ok);
	const other = await here.pack("other.safe", packageWith(whole));
	await t.throwsAsync(installModule(here.paths, { file: other, plugins: ["light"] }), { message: /plugin mirror/ });
	t.false((await here.tree()).some((name) => name.startsWith("safe/modules/")));
});

test("a package that asks for more than the one it replaces needs --yes, and is refused whole without", async (t) => {
	const here = await place(t);
	const file = await here.pack("web.safe", packageWith(whole));
	t.deepEqual((await installModule(here.paths, { file })).concerns, []);
	const before = await here.tree();
	const more = {
		...whole,
		version: "1.3.0",
		permissions: { ...whole.permissions, net: ["127.0.0.1:8080", "10.0.0.0/8:22"] },
	};
	const next = await here.pack("next.safe", packageWith(more));
	const request = { file: next, name: "web", replace: true };
	for (const attempt of [installModule, rehearseInstall]) {
		const error = await t.throwsAsync(attempt(here.paths, request), {
			instanceOf: SafekitError,
			code: "PACKAGE_CONSENT",
		});
		t.is((error as SafekitError).exit, 4);
		t.regex(
			(error as SafekitError).message,
			/your word:\n {2}it asks for more than the one it replaces: may connect to every host in 10\.0\.0\.0\/8:22$/,
		);
		t.regex((error as SafekitError).remedy, /--yes/);
	}
	const installed = join(here.paths.module("web").source, "module.json");
	t.is(JSON.parse(await readFile(installed, "utf8")).version, "1.2.3");
	t.deepEqual(
		(await here.tree()).filter((name) => name !== "next.safe"),
		before,
	);
	const done = await installModule(here.paths, { ...request, yes: true });
	t.like(done, {
		version: "1.3.0",
		concerns: ["it asks for more than the one it replaces: may connect to every host in 10.0.0.0/8:22"],
	});
	// The same or less needs no word; a damaged module.json of before asked for nothing.
	t.deepEqual((await installModule(here.paths, request)).concerns, []);
	const less = await here.pack("less.safe", packageWith({ ...whole, permissions: { net: ["127.0.0.1:8080"] } }));
	t.deepEqual((await installModule(here.paths, { file: less, name: "web", replace: true })).concerns, []);
	await writeFile(installed, "{");
	await t.throwsAsync(installModule(here.paths, request), { code: "PACKAGE_CONSENT" });
});
