import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test from "ava";
import { emptyScripts, mirrorService, moduleFolder } from "./modules.ts";

const launcher = join(import.meta.dirname, "../../../core/cli/safekit.mjs");

async function moduleTest(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
	const child = spawn(process.execPath, [launcher, "module", "test", ...words], { stdio: ["ignore", "pipe", "pipe"] });
	let [out, err] = ["", ""];
	child.stdout.on("data", (part) => (out += part));
	child.stderr.on("data", (part) => (err += part));
	const [code] = (await once(child, "close")) as [number | null];
	return { code, out, err };
}

const head = 'import assert from "node:assert/strict";\nimport { cluster, test } from "opensafe/testing";\n';
const good = `${head}test("it starts", async () => { const both = await cluster(); await both.start(); assert.equal(both.n1.state, "PRIM"); });\n`;
const bad = `${head}console.log("printed by the test");
test("a wrong test", async () => {
	const both = await cluster();
	await both.start();
	assert.equal(both.n1.state, "ALONE", "it should be alone");
});
test.skip("later", () => {});
`;

test.serial(
	"results are printed; one that fails has its place and a timeline of both servers, and exit code 1",
	async (t) => {
		t.timeout(600_000);
		const files = { "tests/good.test.ts": good, "tests/deeper/bad.test.ts": bad };
		const folder = moduleFolder(t, mirrorService(""), { ...emptyScripts, ...files });
		const all = await moduleTest(folder);
		const one = await moduleTest(join(folder, "tests/good.test.ts"), "--timeline");
		const json = await moduleTest(folder, "--json");
		t.is(all.code, 1);
		t.regex(all.out, /✔ it starts \(.* virtual\)/);
		t.regex(all.out, /✘ a wrong test .*\n.*it should be alone[\s\S]*? at .*tests\/deeper\/bad\.test\.ts:7/);
		t.regex(all.out, /0:00:0\d\.\d{3} {2}\w[\s\S]*state +WAIT Transient → ALONE Transient/);
		t.regex(all.out, / {40,}script +prestart STOP WAIT start/, "what n2 does stands in a column of its own");
		t.regex(all.out, /1 passed, 1 failed, 1 skipped/);
		t.is(one.code, 0);
		t.regex(one.out, /virtual addresses|start_prim WAIT ALONE start/);

		t.is(json.code, 1);
		const { ok, passed, failed, skipped, tests } = JSON.parse(json.out);
		t.deepEqual([ok, passed, failed, skipped], [false, 1, 1, 1]);
		t.true(tests.find(({ name }: { name: string }) => name === "a wrong test").timeline.length > 5);
		t.regex(json.err, /printed by the test/);
	},
);

test.serial("a test that hangs is ended, and the others of its file are not passed over in silence", async (t) => {
	t.timeout(600_000);
	const hangs = `${head}test("hangs", async () => { for (;;); });\n`;
	const folder = moduleFolder(t, mirrorService(""), { "tests/a.test.ts": hangs, "tests/b.test.ts": good });
	const { code, out } = await moduleTest(folder, "--timeout", "10");
	t.is(code, 1);
	t.regex(out, /✘ hangs .*\n.*did not end within 10 s/);
	t.regex(out, /✔ it starts/);
});

test.serial("what is wrong with the module, and what cannot be tested, is said with its remedy", async (t) => {
	t.timeout(600_000);
	const broken = moduleFolder(t, '<service mode="mirror" maxlop="3"/>', { "tests/a.test.ts": good });
	const none = moduleFolder(t, mirrorService(""));
	const wrong = moduleFolder(t, mirrorService(""), { "tests/a.test.ts": "import { nothing } from 'nowhere';\n" });
	const invalid = await moduleTest(broken);
	t.is(invalid.code, 3);
	t.regex(invalid.err, /maxlop[\s\S]*userconfig\.xml:2:\d+/);
	const empty = await moduleTest(none, "--json");
	t.is(empty.code, 1);
	t.is(JSON.parse(empty.out).error.code, "MODULE_NO_TESTS");
	const unloadable = await moduleTest(wrong);
	t.is(unloadable.code, 1);
	t.regex(unloadable.out, /✘ loading the file[\s\S]*nowhere/);
	t.is((await moduleTest("/nowhere")).code, 2);
	t.is((await moduleTest(none, "--timeout", "soon")).code, 2);
});

test.serial("help says that test files are not sandboxed", async (t) => {
	const { code, out } = await moduleTest("--help");
	t.is(code, 0);
	t.regex(out, /not\s+sandboxed/);
});
