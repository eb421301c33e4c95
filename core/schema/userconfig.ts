/** Reads a whole userconfig.xml: XML, macros, elements of the mode, values; everything that is wrong comes back at once. */
import type { Problem } from "../errors.ts";
import { Macros } from "./macros.ts";
import { Report } from "./report.ts";
import type { Schema } from "./schema.ts";
import { nearest } from "./suggest.ts";
import { type CheckedElement, checkAttributes, checkChildren, checkElementTree, type Validation } from "./validate.ts";
import { readXml } from "./xml/document.ts";
import type { XmlElement } from "./xml/element.ts";

export interface Userconfig {
	safe: CheckedElement;
	service: CheckedElement;
	report: Report;
	/** Elements (`errd`) and attributes (`rfs@reidetail`) that are kept but not carried out. */
	unsupported: string[];
}

export interface ReadOptions {
	/** Name of the file in messages. */
	file: string;
	schema: Schema;
	environment: Readonly<Record<string, string | undefined>>;
	purpose: Validation["purpose"];
}

/** The file's elements with their report, or the problems that leave nothing to read. */
export function readUserconfig(bytes: Uint8Array, options: ReadOptions): Userconfig | { problems: Problem[] } {
	const xml = readXml(bytes, options.file);
	if ("code" in xml) return { problems: [xml] };
	const report = new Report(options.file, xml.lines);
	const run: Validation = {
		report,
		macros: new Macros(options.environment),
		purpose: options.purpose,
		later: new Set(),
	};
	const { root } = xml;
	if (root.name !== "safe") {
		report.add("CONFIG_UNKNOWN_ELEMENT", `the root element is <${root.name}>`, root, {
			found: root.name,
			expected: "safe",
		});
		return { problems: report.problems };
	}
	for (const macro of xml.before) {
		report.add("CONFIG_LEGACY", `<${macro.name}> stands before <safe>`, macro, {
			severity: "warning",
			remedy: "Move it into <safe>, before <service>.",
		});
	}
	// Where a macro stands does not matter for the reader, only that it comes first.
	const all: XmlElement = { ...root, children: [...xml.before, ...root.children] };
	const safe = checkAttributes(all, options.schema.safe, run, false);
	safe.children = checkChildren(all, options.schema.safe, run, (child, known) => {
		if (child.name === "service") return checkService(child, options.schema, run);
		const checked = checkElementTree(child, known, run);
		define(checked, run);
		return checked;
	});
	const service = safe.children.find((child) => child.name === "service");
	if (service === undefined) return { problems: report.problems };
	return { safe, service, report, unsupported: [...run.later] };
}

function define(macro: CheckedElement, run: Validation): void {
	const [name, value] = ["name", "value"].map((wanted) => macro.written.find((each) => each.name === wanted)?.value);
	if (name === undefined || value === undefined) return;
	if (!run.macros.define(name, value)) {
		run.report.add(
			"CONFIG_REPEATED",
			`the macro ${name} is defined again; the later value counts from here`,
			macro.xml,
			{ severity: "warning", attribute: "name", found: name },
		);
	}
}

function checkService(element: XmlElement, schema: Schema, run: Validation): CheckedElement {
	const mode = element.attributes.find((attribute) => attribute.name === "mode");
	const expanded = run.macros.expand(mode?.value ?? "");
	const known = "text" in expanded ? schema.modes.get(expanded.text.trim()) : undefined;
	const declaration = schema.service(known?.mode);
	const checked = checkAttributes(element, declaration, run, false);
	checked.children = checkChildren(
		withoutOtherModes(element, known?.mode, schema, run),
		declaration,
		run,
		(child, own) => checkElementTree(child, own, run),
	);
	requireUser(checked, run);
	return checked;
}

/** An element that only another mode has is no typing mistake: say where it belongs. */
function withoutOtherModes(element: XmlElement, mode: string | undefined, schema: Schema, run: Validation): XmlElement {
	const own = schema.service(mode).children?.map((child) => child.name) ?? [];
	const children = element.children.filter((child) => {
		if (own.includes(child.name)) return true;
		const others = [...schema.modes.values()].filter((other) =>
			other.elements.some((each) => each.name === child.name),
		);
		if (others.length === 0 || nearest(child.name, own) !== undefined) return true;
		const expected = others.map((other) => `mode ${other.mode}`).join(", ");
		run.report.add("CONFIG_UNKNOWN_ELEMENT", `<${child.name}> does not belong to mode ${mode}`, child, {
			found: child.name,
			expected,
		});
		return false;
	});
	return { ...element, children };
}

function requireUser(service: CheckedElement, run: Validation): void {
	const errd = service.children.find((child) => child.name === "errd");
	if (errd === undefined || service.children.some((child) => child.name === "user")) return;
	run.report.add("CONFIG_MISSING", "<errd> needs a <user> in the same <service>", errd.xml, { expected: "<user/>" });
}
