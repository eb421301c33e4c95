/** Rules that look at resources which nobody sets (spec/02 §11): they would never apply, or wait for ever. */
import { isWildcard, operandsOf, type ResourceName } from "../../engine/rules/language.ts";
import { readSections } from "../../engine/rules/ruleSet.ts";
import { child } from "../../schema/access.ts";
import { nearest } from "../../schema/suggest.ts";
import type { Userconfig } from "../../schema/userconfig.ts";
import type { ModuleConfiguration } from "../configuration.ts";

/** Names that are looked for in scripts; a report holds no more problems. */
const maxLookedFor = 100;

/** Classes of which the product sets more than a configuration tells. */
const ofTheProduct = ["usersetting", "state", "heart"];

/** `isMentioned`: whether a file of bin/ holds a text, because a script may set a resource. */
export async function ruleAdvice(
	read: Userconfig,
	configuration: ModuleConfiguration,
	isMentioned: (text: string) => Promise<boolean>,
): Promise<void> {
	const element = child(read.service, "failover");
	if (element === undefined) return;
	const known = resourcesOf(configuration);
	const written = readSections(configuration.failoverRules.sections);
	let lookedFor = 0;
	for (const { section, rule } of written.rules) {
		for (const operand of operandsOf(rule.when)) {
			if (operand.is !== "resource" || isSet(operand, known, configuration)) continue;
			if (++lookedFor > maxLookedFor) return;
			const name = `${operand.class}.${operand.id}`;
			if (await isMentioned(isWildcard(operand) ? `${operand.class}.` : name)) continue;
			const guess = nearest(name, known);
			const what = isWildcard(operand) ? `there is no resource of class ${operand.class}` : `nobody sets ${name}`;
			read.report.add("CONFIG_RULE", `rule ${rule.label}: ${what}`, element.xml, {
				severity: "warning",
				offset: element.xml.sections[section]?.at(operand.offset) ?? 0,
				found: name,
				expected:
					[...known].filter((each) => each.startsWith(`${operand.class}.`)).join(", ") || "a resource of the module",
				remedy:
					guess === undefined
						? `Add a checker that sets it, or a script that calls \`safekit set -r ${name} -v up|down\`.`
						: `Did you mean \`${guess}\`?`,
			});
		}
	}
}

function isSet(
	{ class: kind, id }: ResourceName,
	known: ReadonlySet<string>,
	{ rfs, checkers }: ModuleConfiguration,
): boolean {
	if (ofTheProduct.includes(kind) || (kind === "rfs" && rfs !== null)) return true;
	// The name of an automatic interface checker depends on the server's network.
	if (kind === "intf" && checkers.some((each) => each.kind === "intf" && each.virtual !== null)) return true;
	if (id === "*" || id === "?") return [...known].some((name) => name.startsWith(`${kind}.`));
	return known.has(`${kind}.${id}`);
}

function resourcesOf({ checkers, errd, heart, vip, splitbrain }: ModuleConfiguration): Set<string> {
	return new Set([
		...checkers.map(({ resource }) => resource),
		...(errd?.procs.map(({ resource }) => resource) ?? []),
		...(heart?.heartbeats.map(({ ident }) => `heartbeat.${ident}`) ?? []),
		...(vip?.addresses.filter(({ connections }) => connections).map(({ addr }) => `connections.${addr}`) ?? []),
		...(splitbrain === null ? [] : ["splitbrain.uptodate"]),
	]);
}
