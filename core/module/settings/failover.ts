/** `<failover>`: the module's own failover rules, read once to say what is wrong with them (spec/02 §11). */
import { operandsOf } from "../../engine/rules/language.ts";
import { isLua } from "../../engine/rules/lua.ts";
import { readSections } from "../../engine/rules/ruleSet.ts";
import { child, numberOf, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";

export interface FailoverConfiguration {
	/** false: the default rules do not apply. */
	extends: boolean;
	periodMs: number;
	/** How long a condition has to hold before its rule acts. */
	handleTimeMs: number;
	sections: FailoverSection[];
}

export interface FailoverSection {
	language: "rules" | "lua";
	text: string;
	/** Where the text begins in userconfig.xml, from 1. */
	line: number;
	column: number;
}

/** What a module without `<failover>` has. */
export const defaultFailover: FailoverConfiguration = {
	extends: true,
	periodMs: 5000,
	handleTimeMs: 15_000,
	sections: [],
};

export function failoverSettings(service: CheckedElement, report: Report): FailoverConfiguration {
	const element = child(service, "failover");
	if (element === undefined) return defaultFailover;
	const periodMs = numberOf(element, "period") ?? defaultFailover.periodMs;
	const handleTimeMs = numberOf(element, "handle_time") ?? defaultFailover.handleTimeMs;
	if (handleTimeMs % periodMs !== 0) {
		report.add("CONFIG_VALUE", `handle_time is no multiple of period (${periodMs} ms)`, element.xml, {
			severity: "warning",
			attribute: "handle_time",
			found: `${handleTimeMs} ms`,
			expected: `a multiple of ${periodMs} ms`,
			remedy: "Nothing has to be done: rules act when handle_time is over. Elsewhere it would be rounded.",
		});
	}
	const sections = element.xml.sections.map(({ text, at }) => ({
		language: isLua(text) ? ("lua" as const) : ("rules" as const),
		text,
		...report.place(at(0)),
	}));
	checkRules(element, sections, textOf(service, "mode") === "mirror", report);
	return { extends: textOf(element, "extends") !== "no", periodMs, handleTimeMs, sections };
}

function checkRules(element: CheckedElement, sections: FailoverSection[], mirror: boolean, report: Report): void {
	const read = readSections(sections);
	const offsetOf = (section: number, offset: number): number => element.xml.sections[section]?.at(offset) ?? 0;
	for (const { section, offset, message, is } of read.faults) {
		report.add(is === "syntax" ? "CONFIG_RULE" : "CONFIG_REPEATED", message, element.xml, {
			offset: offsetOf(section, offset),
			...(is === "repeated" ? { remedy: "Give the rule another label." } : {}),
			...(is === "builtIn" ? { severity: "warning", remedy: "Remove it, or leave it as it is." } : {}),
		});
	}
	for (const { section, rule } of read.rules) {
		const warn = (message: string, offset: number, remedy: string): void =>
			report.add("CONFIG_RULE", `rule ${rule.label}: ${message}`, element.xml, {
				severity: "warning",
				offset: offsetOf(section, offset),
				remedy,
			});
		if (rule.action === "swap" && !mirror) {
			warn("only a module of mode mirror can swap", rule.offset, "Use another action: stop(), stopstart(), restart().");
		}
		for (const operand of operandsOf(rule.when)) {
			if (operand.is === "resource" && operand.side === "remote" && !mirror) {
				warn(
					"resources of other servers are known only in mode mirror",
					operand.offset,
					"Use a resource of this server, or a <module> checker.",
				);
			}
			if (operand.is === "state" && !usualStates.has(operand.state)) {
				warn(
					`${operand.state} is no usual state`,
					operand.offset,
					`Usual states are ${[...usualStates].join(", ")}; others are those that a script sets.`,
				);
			}
		}
	}
}

/** Of checkers, and of the resources of the product that rules are written about. */
const usualStates = new Set(["init", "up", "down", "unknown", "on", "off", "true", "false"]);
