/** The tests of the templates, and the example in README.md, fit the types that authors get. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { authorOptions } from "../../../core/module/author/tsconfig.ts";
import { makeTestFolder } from "../../folder.ts";
import { emptyScripts, healthChecker, healthManifest, mirrorService, moduleFolder } from "./modules.ts";

const root = join(import.meta.dirname, "../../..");
const example =
	/```ts\n(import \{ cluster, test \}[\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1] ?? "";

test("the tests of all templates and the example compile", (t) => {
	t.timeout(300_000);
	const folder = makeTestFolder("types");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	for (const name of readdirSync(join(root, "module-templates")))
		cpSync(join(root, "module-templates", name, "tests"), join(folder, name), { recursive: true });
	mkdirSync(join(folder, "readme"));
	writeFileSync(join(folder, "readme/example.test.ts"), example);
	writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: authorOptions("node") }));
	const { stdout, stderr } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
	t.is(stdout + stderr, "");
});

test("the example does what it says", (t) => {
	t.timeout(300_000);
	const custom = '<check><custom ident="web" when="prim" exec="checks/web.ts" action="restart"/></check>';
	const folder = moduleFolder(t, mirrorService(custom), {
		...emptyScripts,
		"bin/checks/web.ts": healthChecker,
		"module.json": healthManifest,
		"tests/example.test.ts": example,
	});
	const launcher = join(root, "core/cli/safekit.mjs");
	const { status, stdout } = spawnSync(process.execPath, [launcher, "module", "test", folder], { encoding: "utf8" });
	t.is(status, 0, stdout);
	t.regex(stdout, /1 passed/);
});
