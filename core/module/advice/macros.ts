/** Macros that nothing uses, and macros that a script expects in its environment, where only variables are (spec/03 §5). */
import type { Problem } from "../../errors.ts";
import { descendants } from "../../schema/access.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import { LineIndex } from "../../schema/xml/element.ts";
import { plainProblem } from "../inspect.ts";
import { asProblem, findingAt, type Source } from "./lint/source.ts";

/** `file`: its name in messages. `text`: userconfig.xml as it is written, because a macro in a comment waits for whoever takes the marks away. */
export function macroAdvice(read: Userconfig, file: string, text: string, sources: readonly Source[]): Problem[] {
	const variables = descendants(read.service, "user", "var").map((each) => writtenName(each));
	const told: Problem[] = [];
	for (const macro of descendants(read.safe, "macro")) {
		const name = writtenName(macro);
		if (!/^[A-Za-z_][\w.()-]*$/.test(name)) continue;
		const script = variables.includes(name) ? null : readsMacro(name, sources);
		if (script !== null) told.push(script);
		else if (!text.includes(`%${name}%`)) told.push(unused(read, macro, name, file));
	}
	return told;
}

function unused(read: Userconfig, { xml }: CheckedElement, name: string, file: string): Problem {
	const at = xml.attributes.find((each) => each.name === "name")?.offset ?? xml.offset;
	return {
		...plainProblem("LINT_MACRO_UNUSED", `nothing uses the macro ${name}`, file, "warning"),
		...read.report.place(at),
		...{ element: xml.name, attribute: "name", found: name },
	};
}

function writtenName(element: { written: readonly { name: string; value: string }[] }): string {
	return element.written.find((each) => each.name === "name")?.value ?? "";
}

/** The first script that reads a variable of this name and nowhere sets it. */
function readsMacro(name: string, sources: readonly Source[]): Problem | null {
	for (const source of sources) {
		const kinds = uses[source.language];
		if (kinds === undefined) continue;
		const text =
			kinds.comment === null ? source.text : source.text.replace(kinds.comment, (all) => " ".repeat(all.length));
		const use = new RegExp(kinds.read(name), kinds.flags).exec(text);
		if (use === null || sources.some((each) => each.language === source.language && isSet(name, each))) continue;
		const finding = findingAt(new LineIndex(source.text), use.index, {
			code: "LINT_MACRO_SCRIPT",
			message: `${name} is a macro, which scripts do not see: here it is empty`,
			remedy: `Hand it to the scripts: <var name="${name}" value="%${name}%"/> in <user>.`,
		});
		return asProblem(finding, source);
	}
	return null;
}

interface Uses {
	comment: RegExp | null;
	/** Patterns, for a name. */
	read(name: string): string;
	set(name: string): string;
	flags: string;
}

const uses: Partial<Record<Source["language"], Uses>> = {
	shell: {
		comment: /^[ \t]*#.*$/gm,
		read: (name) => `\\$(?:${name}\\b|\\{${name}\\})`,
		set: (name) => `(?:^|[\\s;&|(])(?:${name}\\+?=|(?:read|for|getopts|mapfile|readarray)\\b[^\\n;]*\\b${name}\\b)`,
		flags: "m",
	},
	cmd: {
		comment: /^[ \t]*(?:@?rem\b|::).*$/gim,
		read: (name) => `%${name}%`,
		set: (name) => `\\bset\\s+(?:/[ap]\\s+)?"?${name}\\s*=`,
		flags: "im",
	},
	powershell: {
		comment: /^[ \t]*#.*$/gm,
		read: (name) => `\\$(?:env:${name}\\b|\\{env:${name}\\})`,
		set: (name) => `\\$(?:env:${name}|\\{env:${name}\\})\\s*\\+?=`,
		flags: "im",
	},
};

function isSet(name: string, { language, text }: Source): boolean {
	const kinds = uses[language];
	return kinds !== undefined && new RegExp(kinds.set(name), kinds.flags).test(text);
}
