/** One row per mistake, and beside each what looks like it and is none. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import type { ModuleFile } from "../../../core/module/advice/files.ts";
import { lintScripts } from "../../../core/module/advice/lint/lint.ts";
import { readSources } from "../../../core/module/advice/lint/source.ts";
import { lintModule } from "../../../core/module/advice/lint.ts";
import { inspect } from "../../../core/module/inspect.ts";
import { makeTestFolder } from "../../folder.ts";
import { schema } from "../place.ts";
import { cmdRows } from "./cmd.ts";
import { shellcheckRows, shellRows } from "./shell.ts";
import { powershellRows, type Row, serviceRows, typeRows } from "./table.ts";

async function lintOf(files: Record<string, string>, thorough: boolean) {
	const listed: ModuleFile[] = Object.entries(files).map(([name, text]) => ({
		name: `bin/${name}`,
		executable: true,
		content: async () => Buffer.from(text),
	}));
	return lintScripts(await readSources(listed, "m.safe", new Set(["bin/checks/web.ts"])), thorough);
}

function rows(kind: string, all: readonly Row[], thorough: boolean): void {
	for (const { what, files, found } of all) {
		test(`${kind}: ${what}`, async (t) => {
			const { problems } = await lintOf(files, thorough);
			t.deepEqual(
				problems.map(({ code, severity, file, line, column }) => [
					...[code, severity, `${file?.replace("m.safe/bin/", "")}:${line}:${column}`],
				]),
				found,
			);
			for (const { message, remedy } of problems) t.true(message.length > 10 && remedy.length > 10);
		});
	}
}

rows("cmd", cmdRows, false);
rows("shell", shellRows, false);
rows("PowerShell", powershellRows, true);
rows("services", serviceRows, false);
rows("types", typeRows, true);
if (spawnSync("shellcheck", ["--version"]).status === 0) rows("ShellCheck", shellcheckRows, true);

// These change the environment of the process, so they come first and one at a time.
test.serial("a script is read and never run, whatever the environment names", async (t) => {
	const folder = makeTestFolder("lint");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	writeFileSync(join(folder, "env"), `touch ${folder}/ran\n`);
	process.env.BASH_ENV = join(folder, "env");
	process.env.ENV = join(folder, "env");
	const files = { start_prim: `#!/bin/bash\ntouch ${folder}/ran\n`, stop_prim: `#!/bin/sh\ntouch ${folder}/ran\n` };
	t.deepEqual((await lintOf(files, false)).problems, []);
	delete process.env.BASH_ENV;
	delete process.env.ENV;
	t.false(existsSync(join(folder, "ran")));
});

test.serial("an interpreter that is not there is a note, and so is what is left out", async (t) => {
	const path = process.env.PATH;
	process.env.PATH = "/nonexistent";
	const { problems, notes } = await lintOf({ start_prim: "#!/bin/ksh\nif\n" }, false);
	process.env.PATH = path;
	t.deepEqual(problems, []);
	t.deepEqual(notes, ["ksh is not installed here: its scripts were not read."]);
});

test("many findings of one file are told once", async (t) => {
	const { problems, notes } = await lintOf({ "a.cmd": "%SAFE%\\safekit printe x\r\n".repeat(50) }, false);
	t.is(problems.length, 20);
	t.deepEqual(notes, ["m.safe/bin/a.cmd has 30 more findings like these."]);
});

test("files that no shell wrote take no time", async (t) => {
	const from = performance.now();
	for (const c of ["(", ")", '"', "^", "@", "if ", "for %%a in (", "'", "%a%", "set x =", "$(", '@"', "<#"]) {
		const text = c.repeat(20_000);
		await lintOf({ "a.cmd": text, "a.ps1": text }, false);
	}
	t.true(performance.now() - from < 60_000);
});

test("macros: unused, in a comment, expected by scripts that do not see them", async (t) => {
	const xml = `<safe>
<macro name="UNUSED" value="1"/>
<macro name="LATER" value="1"/>
<macro name="HOME_DIR" value="/data"/><macro name="SERVICES" value="a"/><macro name="OWN" value="1"/>
<service mode="mirror"><heart><heartbeat name="default"/></heart>
<!-- <replicated dir="%LATER%"/> -->
<rfs><replicated dir="%HOME_DIR%"/></rfs>
<user><var name="SERVICES" value="%SERVICES%"/></user></service></safe>`;
	const script = `#!/bin/bash\n# $UNUSED\nOWN=2\ncd "$HOME_DIR" || exit 1\nsystemctl start "$SERVICES" "$OWN"\n`;
	const files: ModuleFile[] = Object.entries({ "conf/userconfig.xml": xml, "bin/start_prim": script }).map(
		([name, text]) => ({ name, executable: true, content: async () => Buffer.from(text) }),
	);
	const options = { schema, environment: {}, purpose: "check" } as const;
	const inspection = inspect(Buffer.from(xml), "m/conf/userconfig.xml", "m", 1, options);
	const { problems } = await lintModule(inspection, files, "m", false);
	t.deepEqual(
		problems.map(({ code, file, line, column, message }) => [code, `${file}:${line}:${column}`, message]),
		[
			["LINT_MACRO_UNUSED", "m/conf/userconfig.xml:2:8", "nothing uses the macro UNUSED"],
			["LINT_MACRO_SCRIPT", "m/bin/start_prim:4:5", "HOME_DIR is a macro, which scripts do not see: here it is empty"],
			["LINT_MACRO_UNUSED", "m/conf/userconfig.xml:4:80", "nothing uses the macro OWN"],
		],
	);
});
