/** `module create`: a new module's folder, whole or not at all. */
import { randomUUID } from "node:crypto";
import { chmod, copyFile, lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { coreVersion } from "../../engine/version.ts";
import { SafekitError } from "../../errors.ts";
import { authorTsconfig } from "../author/tsconfig.ts";
import { checkModuleName } from "../registry.ts";
import { type Plan, place } from "./plan.ts";
import { readmeText } from "./readme.ts";
import { testText } from "./tests.ts";
import { userconfigText } from "./userconfig.ts";

const templates = join(import.meta.dirname, "../../../module-templates");
const skeleton = join(import.meta.dirname, "skeleton");

export interface Created {
	folder: string;
	/** Relative to the folder, in order. */
	files: string[];
}

/** The name of the module that a path stands for. @throws SafekitError MODULE_NAME, CREATE_EXISTS, CREATE_FOLDER */
export async function nameForFolder(folder: string): Promise<string> {
	const name = checkModuleName(basename(folder));
	if ((await lstat(folder).catch(() => null)) !== null) {
		throw new SafekitError("CREATE_EXISTS", `${folder} is there already`);
	}
	const above = await lstat(dirname(folder)).catch(() => null);
	if (above === null) throw new SafekitError("CREATE_FOLDER", `${dirname(folder)} does not exist`);
	return name;
}

/** Makes the module beside its place and moves it there as its last step. */
export async function createModule(folder: string, plan: Plan): Promise<Created> {
	await nameForFolder(folder);
	const made = join(dirname(folder), `.${plan.name}.${randomUUID().slice(0, 8)}`);
	try {
		const files = await write(made, plan);
		// Not onto a folder that somebody made meanwhile.
		await nameForFolder(folder);
		await rename(made, folder);
		return { folder, files };
	} catch (cause) {
		await rm(made, { recursive: true, force: true });
		if (cause instanceof SafekitError) throw cause;
		throw new SafekitError("CREATE_FOLDER", `${folder} cannot be written: ${(cause as Error).message}`, { cause });
	}
}

async function write(folder: string, plan: Plan): Promise<string[]> {
	const texts: Record<string, string> = {
		"README.md": readmeText(plan),
		"conf/userconfig.xml": userconfigText(plan),
		"module.json": manifestText(plan),
		"tsconfig.json": authorTsconfig(),
		[`tests/${plan.name}.test.ts`]: testText(plan),
	};
	const scripts = {
		...(plan.systems.includes("linux") ? linuxScripts(plan) : {}),
		"bin/checks/application.ts": checker,
	};
	const windows = plan.systems.includes("windows") ? windowsScripts(plan) : {};
	const names = [...Object.keys(texts), ...Object.keys(scripts), ...Object.keys(windows)];
	for (const name of names) await mkdir(dirname(join(folder, name)), { recursive: true });
	for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
	for (const [name, from] of Object.entries(scripts)) {
		await copyFile(from, join(folder, name));
		if (!name.endsWith(".ts")) await chmod(join(folder, name), 0o755);
	}
	for (const [name, from] of Object.entries(windows)) {
		const text = await readFile(from, "utf8");
		await writeFile(join(folder, name), text.replaceAll("\n", "\r\n"));
	}
	return names.sort();
}

const checker = join(skeleton, "checks/application.ts");

/** From the templates, whose scripts are tried in a lab. */
function linuxScripts(plan: Plan): Record<string, string> {
	const bin = join(templates, plan.mode, "bin");
	const names = ["module_scripts_utils", "postconfig", "prestart", `start_${place(plan)}`, `stop_${place(plan)}`];
	return Object.fromEntries(names.map((name) => [`bin/${name}`, join(bin, name)]));
}

function windowsScripts(plan: Plan): Record<string, string> {
	const of = (name: string): string => join(skeleton, "windows", `${name}.ps1`);
	return {
		"bin/module_scripts_utils.ps1": of("module_scripts_utils"),
		"bin/postconfig.ps1": of("postconfig"),
		"bin/prestart.ps1": of("prestart"),
		[`bin/start_${place(plan)}.ps1`]: of("start"),
		[`bin/stop_${place(plan)}.ps1`]: of("stop"),
	};
}

function manifestText({ name, plugin, health }: Plan): string {
	const net = health === null ? [] : [`${health.hostname}:${health.port || usualPorts[health.protocol]}`];
	const manifest = {
		...{ name, version: "0.1.0" },
		...(plugin === null ? {} : { plugin }),
		...{ requires: { core: `^${coreVersion}` }, permissions: { net, exec: [], read: [] } },
	};
	return `${JSON.stringify(manifest, null, "\t")}\n`;
}

const usualPorts: Record<string, string> = { "http:": "80", "https:": "443" };
