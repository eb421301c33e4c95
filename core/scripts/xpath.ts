/** The part of XPath that module scripts use: steps from the root, conditions on attributes, an attribute at the end. */
import type { XmlElement } from "../schema/xml/element.ts";

interface Step {
	/** `//` before the step: at any depth. */
	anywhere: boolean;
	/** `*`: every element. */
	name: string;
	/** All must hold; null: the attribute only has to be there. */
	conditions: { attribute: string; value: string | null }[];
	/** `[2]`, counted among the matches below one parent. */
	position: number | null;
}

export interface XPath {
	steps: Step[];
	/** The attribute whose value is asked for; null: the element's text. */
	attribute: string | null;
}

const longest = 1024;
const stepPattern = /(\/\/?)(?:text\(\)|@([\w.:-]+)|([\w.:-]+|\*)((?:\[[^\]"']*(?:"[^"]*"|'[^']*')?\s*\])*))/gy;
const conditionPattern = /\[\s*(?:@([\w.:-]+)\s*(?:=\s*(?:"([^"]*)"|'([^']*)')\s*)?|(\d+)\s*)\]/gy;

/** Reads `//a/b[@x='y']/@z`; null when it is no expression of this kind. A first `/` may be missing. */
export function parseXPath(expression: string): XPath | null {
	if (expression.length > longest) return null;
	const text = expression.startsWith("/") ? expression : `//${expression}`;
	const steps: Step[] = [];
	let attribute: string | null = null;
	let end = 0;
	for (const match of text.matchAll(stepPattern)) {
		if (attribute !== null) return null;
		end = match.index + match[0].length;
		const [, slashes, attributeName, name, conditions = ""] = match;
		if (attributeName !== undefined) {
			if (slashes === "//") steps.push({ anywhere: true, name: "*", conditions: [], position: null });
			attribute = attributeName;
		} else if (name !== undefined) {
			const read = parseConditions(conditions);
			if (read === null) return null;
			steps.push({ anywhere: slashes === "//", name, ...read });
		} else if (end !== text.length || slashes === "//") return null;
	}
	return end === text.length && steps.length > 0 ? { steps, attribute } : null;
}

function parseConditions(text: string): Pick<Step, "conditions" | "position"> | null {
	const result: Pick<Step, "conditions" | "position"> = { conditions: [], position: null };
	let end = 0;
	for (const [all, attribute, double, single, position] of text.matchAll(conditionPattern)) {
		end += all.length;
		if (position !== undefined) result.position = Number(position);
		else if (attribute !== undefined) result.conditions.push({ attribute, value: double ?? single ?? null });
	}
	return end === text.length ? result : null;
}

/** The texts that the expression finds, in the order of the document. */
export function findTexts(root: XmlElement, { steps, attribute }: XPath): string[] {
	let found: XmlElement[] = [{ ...root, name: "", attributes: [], children: [root] }];
	for (const step of steps) found = [...new Set(found.flatMap((element) => matches(element, step)))];
	if (attribute === null) return found.map((element) => element.text);
	return found.flatMap((element) => attributeOf(element, attribute) ?? []);
}

function matches(parent: XmlElement, step: Step): XmlElement[] {
	const here = parent.children.filter((child) => accepts(child, step));
	const chosen = step.position === null ? here : here.slice(step.position - 1, step.position);
	if (!step.anywhere) return chosen;
	return [...chosen, ...parent.children.flatMap((child) => matches(child, step))];
}

function accepts(element: XmlElement, { name, conditions }: Step): boolean {
	if (name !== "*" && element.name !== name) return false;
	return conditions.every(({ attribute, value }) => {
		const found = attributeOf(element, attribute);
		return found !== undefined && (value === null || found === value);
	});
}

function attributeOf(element: XmlElement, name: string): string | undefined {
	return element.attributes.find((attribute) => attribute.name === name)?.value;
}
