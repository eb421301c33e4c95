/** Every template: `module check` finds no error, and its own tests pass. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";

const root = join(import.meta.dirname, "../..");
const templates = readdirSync(join(root, "module-templates"));

async function safekit(...words: string[]): Promise<{ code: number; stdout: string }> {
	const launcher = join(root, "core/cli/safekit.mjs");
	return promisify(execFile)(process.execPath, [launcher, ...words], { maxBuffer: 64 * 1024 * 1024 }).then(
		({ stdout }) => ({ code: 0, stdout }),
		(error) => error,
	);
}

for (const name of templates) {
	const folder = join(root, "module-templates", name);
	test.serial(`${name} passes module check, and its tests`, async (t) => {
		t.timeout(600_000);
		t.true(existsSync(join(folder, "tests")), "a template has tests");
		const checked = await safekit("module", "check", folder, "--json");
		t.is(checked.code, 0, checked.stdout);
		t.deepEqual(
			JSON.parse(checked.stdout).problems.filter(({ severity }: { severity: string }) => severity === "error"),
			[],
		);
		const tested = await safekit("module", "test", folder, "--json");
		const report = JSON.parse(tested.stdout);
		t.deepEqual(
			report.tests.filter(({ result }: { result: string }) => result !== "passed"),
			[],
		);
		t.true(report.passed >= 1);
	});
}
