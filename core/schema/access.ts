/** Reads checked elements: what is absent without a default is null, so that callers say what that means. */
import type { CheckedElement } from "./validate.ts";

export function child(element: CheckedElement, name: string): CheckedElement | undefined {
	return element.children.find((each) => each.name === name);
}

/** All elements at the end of a path of names, in the order of the file. */
export function descendants(element: CheckedElement, ...path: string[]): CheckedElement[] {
	return path.reduce(
		(level, name) => level.flatMap((each) => each.children.filter((next) => next.name === name)),
		[element],
	);
}

export function textOf(element: CheckedElement, name: string): string | null {
	const value = element.values[name];
	return typeof value === "string" ? value : null;
}

/** Integers, and times in milliseconds. */
export function numberOf(element: CheckedElement, name: string): number | null {
	const value = element.values[name];
	return typeof value === "number" ? value : null;
}

export function isOn(element: CheckedElement, name: string): boolean {
	return element.values[name] === true;
}
