import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { asSafekitError, errors, exitCode, SafekitError } from "../core/errors.ts";
import { errorAsJson, errorAsText } from "../core/log/errorTexts.ts";

const root = join(import.meta.dirname, "..");

async function sources(): Promise<string> {
	const texts: string[] = [];
	for (const folder of ["core", "plugins", "sdk"]) {
		for (const name of await readdir(join(root, folder), { recursive: true })) {
			if (/\.(ts|mjs)$/.test(name) && !join(folder, name).startsWith("core/errors")) {
				texts.push(await readFile(join(root, folder, name), "utf8"));
			}
		}
	}
	return texts.join("\n");
}

test("every code of the registry is used, and every used code is registered", async (t) => {
	const text = await sources();
	const fallbacks = new Set(["INTERNAL"]);
	const unused = Object.keys(errors).filter((code) => !fallbacks.has(code) && !text.includes(`"${code}"`));
	t.deepEqual(unused, [], "registered but never used");
	const used = [...text.matchAll(/new SafekitError\(\s*"([A-Z0-9_]+)"/g)].map((match) => match[1] as string);
	t.deepEqual(
		[...new Set(used)].filter((code) => !(code in errors)),
		[],
		"used but not registered",
	);
});

test("every error says what to do next, and has a documented exit code", (t) => {
	for (const [code, kind] of Object.entries(errors)) {
		t.regex(kind.remedy, /^[A-Z`].*\.$/s, `${code}: the remedy is a sentence`);
		t.true(kind.exit in exitCode, code);
	}
});

test("an error is shown with its place, its message and its remedy", (t) => {
	const error = new SafekitError("USAGE", "what is this", { place: { file: "a.xml", line: 3, column: 7 } });
	t.is(errorAsText(error), `Error: a.xml:3:7: what is this\n${errors.USAGE.remedy}\n`);
	t.deepEqual(errorAsJson(error), {
		error: {
			code: "USAGE",
			message: "what is this",
			remedy: errors.USAGE.remedy,
			at: { file: "a.xml", line: 3, column: 7 },
		},
	});
	t.is(error.exit, 2);
});

test("what was thrown by others keeps its cause", (t) => {
	const cause = new TypeError("x is not a function");
	const error = asSafekitError(cause);
	t.is(error.code, "INTERNAL");
	t.is(error.cause, cause);
	t.is(error.exit, 1);
});
