/** The templates as packages: complete, clean, reproducible, and with the product's own `config`. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { SafekitError } from "../../core/errors.ts";
import { checkPackage } from "../../core/module/check.ts";
import { configureModule, type Hook } from "../../core/module/configure.ts";
import { installModule } from "../../core/module/install.ts";
import { readPackage } from "../../core/module/package/read.ts";
import { writePackage } from "../../core/module/package/write.ts";
import { linuxScripts } from "../../core/platform/linux/scripts.ts";
import { runScript } from "../../core/scripts/run.ts";
import { installSafebin } from "../../core/scripts/safebin.ts";
import { place, schema } from "../module/place.ts";
import { templates } from "./server.ts";

const farms = ["apache_farm", "farm", "iis_farm", "nginx_farm"];
const names = ["light", "mirror", "postgresql", ...farms];
const shared = ["module_scripts_utils", "postconfig", "prestart", "start_prim", "stop_prim"];
/** A module that is not a mirror has the same scripts under other names. */
const both: Record<string, string> = { start_prim: "start_both", stop_prim: "stop_both" };
const renamed = Object.fromEntries(["light", ...farms].map((name) => [name, both]));
const program = (text: string): string => text.replaceAll(/^#[^!].*\n/gm, "");
const environment = {};

function scripts(): string[] {
	return names.flatMap((name) => {
		const files = readdirSync(join(templates, name, "bin")).filter((file) => !file.endsWith(".ps1"));
		return files.map((file) => join(templates, name, "bin", file));
	});
}

test("scripts are executable, have LF line ends and parse", (t) => {
	for (const file of scripts()) {
		t.is(statSync(file).mode & 0o111, 0o111, file);
		t.false(readFileSync(file).includes("\r"), file);
		t.is(spawnSync("bash", ["-n", file]).status, 0, file);
	}
});

test("the scripts that templates share are the same", (t) => {
	for (const name of names.filter((each) => each !== "iis_farm")) {
		for (const file of shared) {
			const own = join(templates, name, "bin", renamed[name]?.[file] ?? file);
			t.is(program(readFileSync(own, "utf8")), program(readFileSync(join(templates, "mirror", "bin", file), "utf8")));
		}
	}
});

test("the scripts for Windows are those that `module create` writes", (t) => {
	const skeleton = join(import.meta.dirname, "../../core/module/create/skeleton/windows");
	for (const name of farms) {
		for (const file of ["module_scripts_utils", "postconfig", "prestart", "start", "stop"]) {
			const own = join(templates, name, "bin", `${both[`${file}_prim`] ?? file}.ps1`);
			t.is(readFileSync(own, "utf8"), readFileSync(join(skeleton, `${file}.ps1`), "utf8").replaceAll("\n", "\r\n"));
			t.is(statSync(own).mode & 0o111, 0o111, own);
		}
	}
});

test("shellcheck has nothing to say", (t) => {
	if (spawnSync("shellcheck", ["--version"]).status !== 0) {
		t.log("skipped: shellcheck is not installed (apt-get install shellcheck)");
		return t.pass();
	}
	const safebin = join(import.meta.dirname, "../../core/scripts/bin");
	const programs = readdirSync(safebin).filter((name) => !name.endsWith(".ts"));
	const files = [...scripts(), ...programs.map((name) => join(safebin, name))];
	t.is(spawnSync("shellcheck", ["-x", ...files], { encoding: "utf8" }).stdout, "");
});

test("module check finds only what is left to fill in", async (t) => {
	for (const [name, blanks] of [
		["light", []],
		["mirror", ["virtual_addr addr", "replicated dir"]],
		["postgresql", ["virtual_addr addr"]],
		["farm", ["virtual_addr addr"]],
		["apache_farm", ["virtual_addr addr", "to addr"]],
		["nginx_farm", ["virtual_addr addr", "to addr"]],
		["iis_farm", ["virtual_addr addr", "to addr"]],
	] as const) {
		const { ok, problems } = await checkPackage(join(templates, name), schema, environment);
		t.true(ok);
		t.deepEqual(
			problems.map((problem) => `${problem.code} ${problem.element} ${problem.attribute}`),
			blanks.map((blank) => `CONFIG_BLANK ${blank}`),
		);
	}
});

test("packing keeps names and modes, and gives the same bytes again", async (t) => {
	const { top } = await place(t);
	for (const name of names) {
		const files = ["a.safe", "b.safe"].map((file) => join(top, `${name}-${file}`));
		for (const file of files) await writePackage(join(templates, name), file);
		t.deepEqual(readFileSync(files[0] ?? ""), readFileSync(files[1] ?? ""));
		const packed = await readPackage(files[0] ?? "");
		const inside = packed.files.map((file) => file.name).sort();
		const expected = readdirSync(join(templates, name), { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map((entry) => join(entry.parentPath, entry.name).slice(join(templates, name).length + 1));
		t.deepEqual(inside, expected.sort());
	}
});

test("install, fill in, config: postconfig decides, its words reach the person, the service list comes from safeconf.xml", async (t) => {
	const { top, paths } = await place(t);
	await installSafebin(paths.safebin, process.execPath);
	const fake = join(top, "fake");
	mkdirSync(fake);
	writeFileSync(
		join(fake, "systemctl"),
		`#!/bin/sh\n[ "$1" = list-unit-files ] && echo "known.service enabled enabled"\n[ "$1" = disable ] && echo "$*" >> ${top}/disabled\nexit 0\n`,
	);
	chmodSync(join(fake, "systemctl"), 0o755);
	const safe = join(top, "web.safe");
	await writePackage(join(templates, "mirror"), safe);
	await installModule(paths, { file: safe, name: "web" });
	const source = join(paths.module("web").source, "conf/userconfig.xml");
	let printed = "";
	const context = { system: linuxScripts, paths, env: { PATH: fake }, log: () => {} };
	const hook: Hook = async (script) => {
		// Without the module's variables, as published packages expect it to work too.
		const vars = [{ name: "PATH", value: `${fake}:/usr/bin:/bin` }];
		const request = { module: "web", script, args: [], timeoutMs: null, vars, logging: true };
		const output = (chunk: Buffer): void => {
			printed += chunk;
		};
		const running = await runScript({ ...request, output }, context);
		return (await running?.ended) ?? { ran: false, exitCode: null };
	};
	const fill = (services: string): void => {
		const text = readFileSync(join(templates, "mirror/conf/userconfig.xml"), "utf8");
		const filled = text.replace("service1, service2", services).replace('addr=""', 'addr="192.0.2.7"');
		writeFileSync(source, filled.replace(/\t\t<rfs>.*<\/rfs>\n/s, ""));
	};
	await t.throwsAsync(configureModule(paths, "web", { schema, environment, hook }), {
		instanceOf: SafekitError,
		message: /addr|dir/,
	});
	fill("known, other");
	const refused = await t.throwsAsync(configureModule(paths, "web", { schema, environment, hook }), {
		instanceOf: SafekitError,
	});
	t.is((refused as SafekitError).code, "CONFIG_SCRIPT");
	t.regex(printed, /Error: there is no service other\.service on this server/);
	t.false(existsSync(`${top}/disabled`));
	fill("known");
	const done = await configureModule(paths, "web", { schema, environment, hook });
	t.is(done.configuration.user?.vars[0]?.value, "known");
	t.is(readFileSync(`${top}/disabled`, "utf8"), "disable --quiet known.service\n");
	cpSync(paths.module("web").userBin, join(top, "copy"), { recursive: true });
	t.is(statSync(join(top, "copy/start_prim")).mode & 0o111, 0o111);
});
