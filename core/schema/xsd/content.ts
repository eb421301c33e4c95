/**
 * Which children an element may have, in any order, with the numbers that are declared. XML Schema 1.0 has an
 * order-free group only for children that stand once at most; for the others each order is written out, so that every
 * name decides where a reader goes on.
 */
import type { ElementDeclaration } from "../declare.ts";
import { element, type Node } from "./node.ts";

/** More orders than of these would fill pages. */
const maxSingles = 3;

/** The content of a complex type; `particle` writes the reference to one child. */
export function contentOf(
	children: readonly ElementDeclaration[],
	particle: (child: ElementDeclaration, occurs: Readonly<Record<string, string>>) => Node,
): Node[] {
	if (children.length === 0) return [];
	const singles = children.filter(({ max }) => max === 1);
	const repeated = children.filter(({ max }) => max !== 1);
	if (repeated.length === 0) {
		return [
			element(
				"xs:all",
				{},
				singles.map((child) => particle(child, { minOccurs: String(child.min ?? 0) })),
			),
		];
	}
	if (singles.length > maxSingles) throw new Error(`${singles.length} single children beside repeated ones`);

	const run = (least: 0 | 1): Node => {
		const occurs = { minOccurs: String(least), maxOccurs: "unbounded" };
		const [only, ...others] = repeated;
		if (only !== undefined && others.length === 0) return particle(only, occurs);
		return element(
			"xs:choice",
			occurs,
			repeated.map((child) => particle(child, {})),
		);
	};
	/** What may follow a run of repeated ones. */
	const rest = (left: readonly ElementDeclaration[]): Node[] => {
		if (left.length === 0) return [];
		const ways = left.map((child) => [particle(child, {}), run(0), ...rest(without(left, child))]);
		return [choice(ways, left.every(({ min }) => (min ?? 0) === 0) ? 0 : 1)];
	};
	/** The whole, while none of the repeated ones was seen though one is needed. */
	const needing = (left: readonly ElementDeclaration[]): Node => {
		const ways = left.map((child) => [particle(child, {}), needing(without(left, child))]);
		return choice([[run(1), ...rest(left)], ...ways], 1);
	};
	const needed = repeated.length === 1 && (repeated[0]?.min ?? 0) > 0;
	return [element("xs:sequence", {}, needed ? [needing(singles)] : [run(0), ...rest(singles)])];
}

function without(all: readonly ElementDeclaration[], one: ElementDeclaration): ElementDeclaration[] {
	return all.filter((each) => each !== one);
}

function choice(ways: readonly Node[][], minOccurs: 0 | 1): Node {
	const sequences = ways.map((way) => element("xs:sequence", {}, way));
	return element("xs:choice", { minOccurs: String(minOccurs) }, sequences);
}
