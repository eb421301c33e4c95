/** Programs that the configuration names: custom checkers and handlers of watched processes (spec/02 §9, §10). */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { posix } from "node:path";
import { descendants, textOf } from "../../schema/access.ts";
import { nearest } from "../../schema/suggest.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import { isForWindows, type ModuleFile } from "./files.ts";

const actions = ["restart", "stopstart", "stop", "noaction"];

interface Program {
	element: CheckedElement;
	attribute: string;
	/** As it is written. */
	file: string;
}

function programsOf(service: CheckedElement): Program[] {
	const checkers = [...descendants(service, "check", "custom"), ...descendants(service, "check", "check", "custom")];
	const procs = descendants(service, "errd", "proc");
	return [
		...checkers.map((element) => ({ element, attribute: "exec", file: textOf(element, "exec")?.trim() ?? "" })),
		...procs.map((element) => ({ element, attribute: "action", file: textOf(element, "action")?.trim() ?? "" })),
	].filter(({ file, attribute }) => file !== "" && !(attribute === "action" && actions.includes(file)));
}

/** Names of the files of bin/ that are run, as `ModuleFile` has them. */
export function programFiles(service: CheckedElement): Set<string> {
	return new Set(programsOf(service).map(({ file }) => inBin(file)));
}

function inBin(file: string): string {
	return posix.join("bin", file.replaceAll("\\", "/"));
}

/** `onServer`: files outside the module are looked for too. */
export async function programAdvice(read: Userconfig, files: readonly ModuleFile[], onServer: boolean): Promise<void> {
	const names = files.map(({ name }) => name);
	const endings = isForWindows(files) ? ["", ".ps1", ".cmd", ".bat", ".vbs", ".exe"] : [""];
	for (const { element, attribute, file } of programsOf(read.service)) {
		if (/^([/\\]|[A-Za-z]:)/.test(file)) {
			if (onServer) await outside(read, element, attribute, file);
			continue;
		}
		const path = inBin(file);
		if (endings.some((ending) => names.includes(path + ending))) continue;
		const inside = path.startsWith("bin/");
		const known = [...names.filter((name) => name.startsWith("bin/")).map((name) => name.slice(4))];
		const guess = nearest(file, attribute === "action" ? [...actions, ...known] : known);
		const message = inside ? `the module has no file ${path}` : `${file} leads out of bin/`;
		read.report.add("CONFIG_FILE", message, element.xml, {
			attribute,
			found: file,
			expected: "a file in bin/, or an absolute path",
			...(guess === undefined ? {} : { remedy: `Did you mean \`${guess}\`?` }),
		});
	}
}

/** It may be installed later, so it is only told. */
async function outside(read: Userconfig, element: CheckedElement, attribute: string, file: string): Promise<void> {
	const why = await access(file, constants.X_OK).then(
		() => null,
		(error: NodeJS.ErrnoException) => (error.code === "EACCES" ? "is not executable" : "does not exist on this server"),
	);
	if (why === null) return;
	const remedy = why === "is not executable" ? `Run \`chmod +x ${file}\`.` : "Install it here, or correct its path.";
	const details = { severity: "warning", attribute, found: file, remedy } as const;
	read.report.add("CONFIG_FILE", `${file} ${why}`, element.xml, details);
}
