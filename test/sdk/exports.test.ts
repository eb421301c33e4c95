import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { authorOptions } from "../../core/module/author/tsconfig.ts";
import { makeTestFolder } from "../folder.ts";

const root = join(import.meta.dirname, "../..");

test("the project's own code finds opensafe by its name", async (t) => {
	const sdk = (await import("opensafe")) as typeof import("../../sdk/index.ts");
	t.deepEqual(sdk, await import("../../sdk/index.ts"));
	t.is(typeof sdk.definePlugin, "function");
	t.is(typeof sdk.checker, "function");
});

/** What the compiler says of a file in a folder of somebody's own. */
function compile(folder: string, where: "checker" | "node", source: string): string {
	const compilerOptions = authorOptions(where);
	writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["bin"] }));
	writeFileSync(join(folder, "bin/web.ts"), source);
	const ran = spawnSync(join(root, "node_modules/.bin/tsc"), ["--pretty", "false", "-p", folder], { encoding: "utf8" });
	return ran.stdout + ran.stderr;
}

test("an author's folder gets types for opensafe, and mistakes have line and column", (t) => {
	const folder = makeTestFolder("types");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	mkdirSync(join(folder, "bin"));
	const good = [
		'import { checker, down, up } from "opensafe";',
		'export default checker({ every: "5s", timeout: "2s" }, async (ctx) => {',
		"\tconst answer = await ctx.http.get(ctx.args[0] as string);",
		'\treturn answer.status === 200 ? up() : down("no");',
		"});",
	].join("\n");
	t.is(compile(folder, "checker", good), "");
	t.regex(
		compile(folder, "checker", good.replace("answer.status", "answer.stauts")),
		/web\.ts\(4,16\): error TS2551: .*'status'/,
	);
	t.regex(compile(folder, "checker", good.replace("ctx.args[0]", "process.env.X")), /Cannot find name 'process'/);
	t.is(compile(folder, "node", good.replace("ctx.args[0]", "process.env.X")), "");
});
