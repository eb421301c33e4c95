/** `safekit rules`: the failover rules in force, where each comes from, and what becomes of its condition now. */
import type { Command } from "commander";
import { builtInRules } from "../engine/rules/defaults.ts";
import { actionText, conditionText } from "../engine/rules/text.ts";
import { printJson, table } from "./call.ts";
import type { ModuleControl } from "./control.ts";
import { type Context, findModule, type ModuleOptions, moduleCommand } from "./groups.ts";

/** How a person reads what the machine says of a condition. */
const words = { yes: "true", no: "false", open: "no value yet" } as const;

export function rules(program: Command, context: Context): void {
	moduleCommand(program, "rules", "show the failover rules in force and whether each is true now", [
		"rules -m mirror",
		"rules -m mirror --json",
	]).action((options: ModuleOptions) => {
		const module = findModule(context, options);
		if (options.json) printJson(context.call, asJson(module));
		else context.call.out(asText(module));
	});
}

function asJson(module: ModuleControl) {
	const { module: name, failoverRules, mode } = module.configuration;
	return {
		module: name,
		handleTimeMs: failoverRules.handleTimeMs,
		rules: module.rules().map(({ rule, truth }) => ({
			label: rule.label,
			from: rule.from,
			action: rule.action,
			condition: conditionText(rule.when),
			now: truth,
		})),
		builtIn: mode === "mirror" ? builtInRules.map(({ label }) => label) : [],
	};
}

function asText(module: ModuleControl): string {
	const { failoverRules, mode } = module.configuration;
	const rows = module.rules().map(({ rule, truth }) => {
		return [`  ${rule.label}`, rule.from, actionText(rule.action), words[truth], conditionText(rule.when)];
	});
	const head = `A condition that holds for ${failoverRules.handleTimeMs} ms makes its rule act:\n`;
	const own = builtInRules.map(({ label, action, when }) => [`  ${label}`, actionText(action), conditionText(when)]);
	const builtIn = mode === "mirror" ? `\nCarried out by the mirror itself, with its own care:\n${table(own)}` : "";
	return `${head}${table([["  RULE", "FROM", "ACTION", "NOW", "CONDITION"], ...rows])}${builtIn}`;
}
