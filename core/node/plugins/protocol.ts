/** What the node and the thread of a plugin say to each other: plain data. */
import type { AdvisedModule, CheckerAnswer, CheckerTarget, TemplateDeclaration } from "../../engine/plugin.ts";
import type { AttributeDeclaration, ElementDeclaration } from "../../schema/declare.ts";

/** A plugin without its functions. */
export interface Description {
	name: string;
	version: string;
	/** Names of its modes. */
	modes: string[];
	elements: ElementDeclaration[];
	checkers: { name: string; doc: string; attributes: Readonly<Record<string, AttributeDeclaration>> }[];
	/** How many pieces of advice. */
	advice: number;
	/** Folders are absolute. */
	catalogue: TemplateDeclaration[];
}

/** A finding with its place; what is wrong with the advice itself is `failed`. */
export interface Found {
	severity: "error" | "warning";
	message: string;
	remedy: string;
	file?: string;
	line?: number;
	column?: number;
}

export type Answer = { verdict: CheckerAnswer } | { found: Found[]; failed: string[] } | { failed: string };

export type ToPlugin =
	| { id: number; do: "test"; kind: string; target: CheckerTarget }
	| { id: number; do: "abort" }
	| { id: number; do: "advise"; module: AdvisedModule };

export type FromPlugin = { loaded: Description } | { failed: string } | { id: number; answer: Answer };

/** Longest text that is taken over, in characters. */
export const maxText = 300;
/** Most findings of one plugin. */
export const maxFound = 50;
