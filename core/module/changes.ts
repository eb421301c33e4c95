/**
 * What differs between the configuration in force and the one that would replace it, attribute by attribute, and which
 * of it may change while the module runs (spec/02, "dyn").
 */

import { textOf } from "../schema/access.ts";
import type { AttributeDeclaration, ElementDeclaration } from "../schema/declare.ts";
import type { Schema } from "../schema/schema.ts";
import { readUserconfig, type Userconfig } from "../schema/userconfig.ts";
import type { CheckedElement } from "../schema/validate.ts";
import type { Value } from "../schema/values.ts";

export interface Change {
	/** `service@failover`, `check/tcp[web]/to@port`, or an element that came or went. */
	where: string;
	/** As a person reads them; null: not there. */
	from: string | null;
	to: string | null;
	/** May be applied without a stop. */
	dyn: boolean;
}

/** Attributes by which elements of one name are told apart. */
const keys = ["ident", "name", "addr", "dir", "path", "regexpath", "local_addr"];

/**
 * What only a stopped module can take on, as text. `safeconf`: the configuration in force; one that cannot be read any
 * more is no configuration to go on with.
 */
export function needsStop(safeconf: Uint8Array, next: Userconfig, schema: Schema): string[] {
	const read = readUserconfig(safeconf, { file: "safeconf.xml", schema, environment: {}, purpose: "check" });
	if ("problems" in read) return ["the configuration in force cannot be read"];
	const mode = textOf(next.service, "mode") ?? undefined;
	const changes = changesBetween(read.service, next.service, schema.service(mode));
	return changes.filter(({ dyn }) => !dyn).map(changeAsText);
}

/** All differences below two elements of the same declaration. Values count, not how they are written. */
export function changesBetween(
	before: CheckedElement,
	after: CheckedElement,
	declaration: ElementDeclaration,
	where = declaration.name,
): Change[] {
	const found: Change[] = [];
	for (const [name, attribute] of Object.entries(declaration.attributes ?? {})) {
		if (isSame(before.values[name], after.values[name])) continue;
		const [from, to] = [before, after].map((element) => shown(element, name, attribute.default));
		found.push({ where: `${where}@${name}`, from: from ?? null, to: to ?? null, dyn: mayChange(attribute) });
	}
	if (wordsOf(before) !== wordsOf(after)) found.push({ where, from: "its text", to: "another text", dyn: false });
	for (const child of declaration.children ?? []) found.push(...childChanges(before, after, child, where));
	return found;
}

/** Sections without the blanks around them, which safeconf.xml does not keep. */
function wordsOf({ xml }: CheckedElement): string {
	return JSON.stringify(xml.sections.map(({ text }) => text.trim()));
}

function childChanges(
	before: CheckedElement,
	after: CheckedElement,
	declaration: ElementDeclaration,
	where: string,
): Change[] {
	const [old, now] = [before, after].map((element) => element.children.filter(({ name }) => name === declaration.name));
	const path = (element: CheckedElement): string => `${where}/${declaration.name}${label(element)}`;
	const pairs = pair(old ?? [], now ?? []);
	return pairs.flatMap(([one, other]): Change[] => {
		if (one !== null && other !== null) return changesBetween(one, other, declaration, path(other));
		const dyn = isDynamic(declaration);
		if (one !== null) return [{ where: path(one), from: "there", to: null, dyn }];
		return other === null ? [] : [{ where: path(other), from: null, to: "there", dyn }];
	});
}

/** Equal keys belong together, then what is left, in the order of the file. */
function pair(old: CheckedElement[], now: CheckedElement[]): [CheckedElement | null, CheckedElement | null][] {
	const left = [...old];
	const matched = now.map((element): [CheckedElement | null, CheckedElement] => {
		const at = left.findIndex((each) => label(each) === label(element));
		return [at < 0 ? null : (left.splice(at, 1)[0] ?? null), element];
	});
	const all = matched.map(([one, other]): [CheckedElement | null, CheckedElement] => [
		one ?? left.shift() ?? null,
		other,
	]);
	return [...all, ...left.map((element): [CheckedElement, null] => [element, null])];
}

function label(element: CheckedElement): string {
	const key = keys.map((name) => element.values[name]).find((value) => value !== undefined && value !== "");
	return key === undefined ? "" : `[${String(key)}]`;
}

/** An element may come and go while the module runs if all that it says may. */
function isDynamic({ attributes = {}, children = [], text }: ElementDeclaration): boolean {
	const own = Object.values(attributes).filter(({ carried }) => carried !== "legacy");
	const inner = children.filter(({ carried }) => carried !== "legacy");
	if (text === true || (own.length === 0 && inner.length === 0)) return false;
	return own.every(mayChange) && inner.every(isDynamic);
}

/** What has no effect here may change at any time. */
function mayChange({ dyn, carried }: AttributeDeclaration): boolean {
	return dyn === true || carried === "unneeded";
}

function isSame(one: Value | undefined, other: Value | undefined): boolean {
	return JSON.stringify(one) === JSON.stringify(other);
}

function shown(element: CheckedElement, name: string, standard: string | undefined): string | null {
	return element.written.find((each) => each.name === name)?.value ?? standard ?? null;
}

/** `check/tcp[web]/to@port: 80 → 8080`. */
export function changeAsText({ where, from, to }: Change): string {
	const path = where.replace(/^service\//, "");
	if (to === null && from === "there") return `${path} is removed`;
	if (from === null && to === "there") return `${path} is added`;
	return `${path}: ${from ?? "not set"} → ${to ?? "not set"}`;
}
