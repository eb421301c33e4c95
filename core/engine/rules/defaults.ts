/** The rules that a module has without writing any (spec/02 §11.3), and those that its checkers bring along (§10). */
import type { Rule, RuleAction } from "./language.ts";
import { parseRules } from "./parse.ts";

/** In force unless `extends="no"`, or a rule of the same label replaces one, or one is disabled. */
export const defaultRulesText = `
module_failure: if (module.? == down) then wait();
interface_failure: if (intf.? == down) then wait();
ip_failure: if (ip.? == down) then stopstart();
`;

/**
 * Rules that the automaton of the mirror carries out by itself, with more care than a rule could: it freezes, asks and
 * records first. They stand here for the list, and are never evaluated; their labels are taken.
 */
export const builtInRulesText = `
splitbrain_failure: if (heartbeat.* == down && splitbrain.uptodate == down) then wait();
notuptodate_server: if (rfs.uptodate == down && remote.rfs.uptodate != up) then wait();
degraded_server: if (remote.rfs.degraded == up) then wait();
rfs_syncat_wait: if (remote.rfs.uptodate == up && rfs.syncat != up) then wait();
rfs_check: if (rfs.check == down) then stopstart();
rfs_forceuptodate: if (heartbeat.* == down && cluster() == down && rfs.synced == up && rfs.uptodate == down)
	then rfs.uptodate=up;
`;

/** Ends a wait when no wait rule is true any more: what the failover machine itself does. */
export const wakeupLabel = "Implicit_wakeup";

export const defaultRules: readonly Rule[] = parseRules(defaultRulesText, true);
export const builtInRules: readonly Rule[] = parseRules(builtInRulesText, true);

/** What rules need to know of a configured checker. */
export interface RuledChecker {
	kind: string;
	ident: string;
	/** `tcp.web`. */
	resource: string;
	when: "pre" | "prim" | "second" | "both";
	action: RuleAction | "noaction";
}

/**
 * Kinds whose checkers bring a rule each, by what its label begins with (null: the class of its resource, as the kinds of
 * plugins have); the others have a default rule.
 */
const letters: Readonly<Record<string, string | null>> = { tcp: "t", ping: "p", custom: "c", plugin: null };

/** Before 8.2.3 one rule stood for all checkers of a kind; a configuration that writes or disables it means them all. */
export const legacyLabels: Readonly<Record<string, string>> = { tcp_failure: "tcp", ping_failure: "ping" };

/** `t_web: if (tcp.web == down) then restart();` for each checker with an action. */
export function generatedRules(checkers: readonly RuledChecker[]): { kind: string; rule: Rule }[] {
	return checkers.flatMap(({ kind, ident, resource, action }) => {
		const letter = letters[kind];
		if (letter === undefined || action === "noaction") return [];
		const dot = resource.indexOf(".");
		const [group, id] = [resource.slice(0, dot), resource.slice(dot + 1)];
		const left = { is: "resource", side: "local", class: group, id, offset: 0 } as const;
		const right = { is: "state", state: "down", offset: 0 } as const;
		const rule: Rule = { label: `${letter ?? group}_${ident}`, when: { is: "equal", left, right }, action, offset: 0 };
		return [{ kind, rule }];
	});
}
