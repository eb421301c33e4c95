/** One set of elements out of those of several modes: for editors and readers that do not know the mode. */
import { isDeepStrictEqual } from "node:util";
import type { AttributeDeclaration, AttributeType, ElementDeclaration, ModeElements } from "./declare.ts";

/** Each holds what any of the modes allows, and demands what all of them demand. */
export function mergeModes(modes: readonly ModeElements[]): ElementDeclaration[] {
	const all = modes.flatMap(({ mode, elements }) => elements.map((element) => ({ mode, element })));
	return merge(all, modes.length);
}

interface OfMode {
	mode: string;
	element: ElementDeclaration;
}

/** `of`: in so many sets an element could stand. */
function merge(all: readonly OfMode[], of: number): ElementDeclaration[] {
	const names = [...new Set(all.map(({ element }) => element.name))];
	return names.map((name) => {
		const same = all.filter(({ element }) => element.name === name);
		return one(same, same.length === of);
	});
}

function one(same: readonly OfMode[], everywhere: boolean): ElementDeclaration {
	const elements = same.map(({ element }) => element);
	const first = elements[0] as ElementDeclaration;
	const children = merge(
		same.flatMap(({ mode, element }) => (element.children ?? []).map((child) => ({ mode, element: child }))),
		same.length,
	);
	const least = everywhere ? Math.min(...elements.map(({ min }) => min ?? 0)) : 0;
	const most = Math.max(...elements.map(({ max }) => max ?? Number.POSITIVE_INFINITY));
	const { min, max, attributes, children: own, doc, ...rest } = first;
	return {
		...rest,
		doc: docOf(same, everywhere),
		...(least > 0 ? { min: least } : {}),
		...(most < Number.POSITIVE_INFINITY ? { max: most } : {}),
		attributes: attributesOf(elements),
		...(children.length > 0 ? { children } : {}),
	};
}

function docOf(same: readonly OfMode[], everywhere: boolean): string {
	const docs = new Set(same.map(({ element }) => element.doc));
	if (docs.size > 1) return same.map(({ mode, element }) => `${mode}: ${element.doc}`).join(" ");
	const [doc = ""] = docs;
	return everywhere ? doc : `${doc} (mode ${same.map(({ mode }) => mode).join(", ")})`;
}

function attributesOf(elements: readonly ElementDeclaration[]): Record<string, AttributeDeclaration> {
	const names = new Set(elements.flatMap(({ attributes }) => Object.keys(attributes ?? {})));
	return Object.fromEntries(
		[...names].map((name) => {
			const all = elements.map(({ attributes }) => attributes?.[name]).filter((each) => each !== undefined);
			return [name, oneAttribute(all, all.length === elements.length)];
		}),
	);
}

function oneAttribute(all: readonly AttributeDeclaration[], everywhere: boolean): AttributeDeclaration {
	const first = all[0] as AttributeDeclaration;
	const { default: preset, required, ...rest } = first;
	const same = all.every((each) => each.default === preset);
	return {
		...rest,
		type: all.map(({ type }) => type).reduce(either),
		...(preset !== undefined && same ? { default: preset } : {}),
		...(everywhere && all.every((each) => each.required) ? { required: true } : {}),
	};
}

/** What one or the other type allows. */
function either(one: AttributeType, other: AttributeType): AttributeType {
	if (isDeepStrictEqual(one, other)) return one;
	if (one.is !== "choice" || other.is !== "choice") return { is: "text" };
	return { is: "choice", values: [...new Set([...one.values, ...other.values])] };
}
