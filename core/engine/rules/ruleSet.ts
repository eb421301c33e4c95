/** The rules of one module: what it writes itself, what its checkers bring, and the defaults. */
import {
	builtInRules,
	defaultRules,
	generatedRules,
	legacyLabels,
	type RuledChecker,
	wakeupLabel,
} from "./defaults.ts";
import { type Rule, type RuleAction, RuleFault } from "./language.ts";
import { parseLua } from "./lua.ts";
import { parseRules } from "./parse.ts";

/** A rule that the failover machine evaluates. */
export type ActiveRule = Rule & { action: RuleAction; from: "configured" | "generated" | "default" };

export interface RuleSet {
	/** Stop first, restart last: of several that are due the strongest acts. */
	rules: readonly ActiveRule[];
	/** How long a condition has to hold before its rule acts, ms. */
	handleTimeMs: number;
	/** Resources of checkers that run only in a started module: they have no value in WAIT, so none is awaited there. */
	notInWait: ReadonlySet<string>;
}

export interface RuleSection {
	language: "rules" | "lua";
	text: string;
}

/** A fault of a section. */
export interface SectionFault {
	section: number;
	offset: number;
	message: string;
	/** `builtIn`: the rule is one that the product carries out itself, and is left out. */
	is: "syntax" | "repeated" | "builtIn";
}

export interface WrittenRules {
	rules: { section: number; rule: Rule }[];
	/** Labels of `Rules.disable`. */
	disabled: string[];
	faults: SectionFault[];
}

/** Reads all sections. One that cannot be read has one fault, and its rules are missing. */
export function readSections(sections: readonly RuleSection[]): WrittenRules {
	const read: WrittenRules = { rules: [], disabled: [], faults: [] };
	const builtIn = new Set([...builtInRules.map(({ label }) => label), wakeupLabel]);
	for (const [section, { language, text }] of sections.entries()) {
		const fault = (is: SectionFault["is"], message: string, offset: number): void =>
			void read.faults.push({ section, offset, message, is });
		try {
			const { rules, disabled } =
				language === "lua"
					? parseLua(text)
					: { rules: parseRules(text), disabled: [] as { label: string; offset: number }[] };
			for (const rule of rules) {
				if (builtIn.has(rule.label)) fault("builtIn", builtInText(rule.label), rule.offset);
				else if (read.rules.some((other) => other.rule.label === rule.label)) {
					fault("repeated", `two rules have the label ${rule.label}`, rule.offset);
				} else read.rules.push({ section, rule });
			}
			for (const { label, offset } of disabled) {
				if (builtIn.has(label)) fault("builtIn", builtInText(label), offset);
				else read.disabled.push(label);
			}
		} catch (error) {
			if (!(error instanceof RuleFault)) throw error;
			fault("syntax", error.message, error.offset);
		}
	}
	return read;
}

function builtInText(label: string): string {
	return `the product carries ${label} out itself; what stands here has no effect`;
}

const strength: readonly RuleAction[] = ["stop", "wait", "stopstart", "swap", "restart"];

export interface RuleSetOptions {
	sections: readonly RuleSection[];
	/** false: the default rules do not apply; those of the checkers do, whose actions are written in the configuration. */
	extends: boolean;
	handleTimeMs: number;
	checkers: readonly RuledChecker[];
}

/** The rules in force. A rule of the configuration replaces one of the same label. @throws RuleFault for a bad section. */
export function ruleSetOf(options: RuleSetOptions): RuleSet {
	const written = readSections(options.sections);
	const fault = written.faults.find(({ is }) => is !== "builtIn");
	if (fault !== undefined) throw new RuleFault(fault.message, fault.offset);
	const own = written.rules.map(({ rule }) => rule);
	const taken = new Set([...own.map(({ label }) => label), ...written.disabled]);
	const replacedKinds = new Set([...taken].map((label) => legacyLabels[label]));
	const generated = generatedRules(options.checkers)
		.filter(({ kind, rule }) => !taken.has(rule.label) && !replacedKinds.has(kind))
		.map(({ rule }) => active(rule, "generated"));
	const defaults = options.extends ? defaultRules.filter(({ label }) => !taken.has(label)) : [];
	const configured = own.filter(({ label }) => !written.disabled.includes(label));
	const rules = [
		...configured.flatMap((rule) => active(rule, "configured")),
		...generated.flat(),
		...defaults.flatMap((rule) => active(rule, "default")),
	];
	return {
		rules: rules.sort((a, b) => strength.indexOf(a.action) - strength.indexOf(b.action)),
		handleTimeMs: options.handleTimeMs,
		notInWait: new Set(options.checkers.filter(({ when }) => when !== "pre").map(({ resource }) => resource)),
	};
}

function active(rule: Rule, from: ActiveRule["from"]): ActiveRule[] {
	const { action } = rule;
	return typeof action === "string" ? [{ ...rule, action, from }] : [];
}
