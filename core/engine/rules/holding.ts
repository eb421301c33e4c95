/** What failover rules make of a module, in every mode (spec/01 §3 M18, M19). */
import type { Commanded } from "../commands.ts";
import type { ModeContext } from "../context.ts";
import type { Effect, EngineEvent, Stamped } from "../contract.ts";
import { wakeupLabel } from "./defaults.ts";

/** The rules that hold a module in WAIT. */
export interface Holding {
	/** Wait rules that are true, the first one first. */
	rules: readonly string[];
	/** Wait rules that cannot be decided, and the resource that has no value yet. */
	awaited: Readonly<Record<string, string>>;
}

/**
 * No rule holds the module.
 *
 * @example
 * const state = { ...initial, holding: nothingHolds };
 */
export const nothingHolds: Holding = { rules: [], awaited: {} };

/** What a state needs for rules. Phases beside these are those of a started module. */
export interface Ruled extends Commanded {
	phase: string | "stopped" | "starting" | "waiting" | "stopping";
	/** The rule in force, as persons see it. */
	rule: string | null;
	holding: Holding;
}

type RuleEvent = EngineEvent & { type: "rule" };

/**
 * Takes a rule in: one that acts becomes the next command, one of action wait holds or lets go. True if a wait rule
 * that is new holds a started module: it has to stop, and start again as far as WAIT.
 *
 * @example
 * if (event.type === "rule" && takeRule(ctx, event)) leave(ctx);
 */
export function takeRule(ctx: ModeContext<Ruled, string>, event: Stamped<RuleEvent>): boolean {
	const { s } = ctx;
	if (s.phase === "stopped") return false;
	if (event.action === "wait") return takeWait(ctx, event);
	// A command that a person gave comes first; the rule comes again if it still holds after that.
	if (s.phase === "stopping" || s.next !== null) return false;
	ctx.effects.push(actionLog(event));
	s.next = { type: "command", command: event.action, who: event.rule, identity: event.rule };
	if (event.action === "restart" || event.action === "stopstart") {
		ctx.effects.push(transitionLog(event));
		s.rule = event.rule;
	}
	return false;
}

function takeWait(ctx: ModeContext<Ruled, string>, event: RuleEvent): boolean {
	const { s } = ctx;
	const { [event.rule]: _, ...awaited } = s.holding.awaited;
	const news = event.holds && !s.holding.rules.includes(event.rule);
	const others = s.holding.rules.filter((rule) => event.holds || rule !== event.rule);
	s.holding = {
		rules: news ? [...others, event.rule] : others,
		awaited: event.init === undefined ? awaited : { ...awaited, [event.rule]: event.init },
	};
	if (!news || s.phase === "stopping") return false;
	ctx.effects.push(actionLog(event));
	// A start that has not come further is held where it is.
	if (s.phase === "starting" || s.phase === "waiting") return false;
	ctx.effects.push(transitionLog(event));
	s.rule = event.rule;
	return true;
}

/** spec/10 §2. */
function actionLog({ action, rule }: RuleEvent): Effect {
	return { type: "log", origin: "heart", level: "C", text: `Action ${action} from failover rule ${rule}` };
}

/** spec/10 §8. */
function transitionLog({ action, rule }: RuleEvent): Effect {
	const transition = action === "wait" ? "WAIT_TR" : action.toUpperCase();
	return { type: "log", origin: "heart", level: "I", text: `Transition ${transition} from failover rule ${rule}` };
}

/**
 * What holds a module in WAIT, as a sentence. `rule` null: a rule cannot be decided yet, so the start goes no further,
 * but nothing is wrong (WAIT Transient). Null: nothing holds it.
 *
 * @example
 * holdingWhy({ rules: ["c_disk"], awaited: {} }); // { rule: "c_disk", why: "The failover rule c_disk holds the module" }
 */
export function holdingWhy({ rules, awaited }: Holding): { rule: string | null; why: string } | null {
	const [rule] = rules;
	if (rule !== undefined) return { rule, why: `The failover rule ${rule} holds the module` };
	const [first] = Object.entries(awaited);
	if (first === undefined) return null;
	return { rule: null, why: `Waiting for the first value of ${first[1]}, which the failover rule ${first[0]} needs` };
}

/**
 * Labels of the rules that hold a module, or that it waits for.
 *
 * @example
 * heldRules({ rules: ["c_disk"], awaited: { c_net: "custom.net" } }); // ["c_disk", "c_net"]
 */
export function heldRules({ rules, awaited }: Holding): string[] {
	return [...rules, ...Object.keys(awaited)];
}

/**
 * The line of the log that says that no rule holds the module any more.
 *
 * @example
 * if (heldRules(s.holding).length === 0) ctx.effects.push(wakeupLog());
 */
export function wakeupLog(): Effect {
	return { type: "log", origin: "heart", level: "I", text: `Action wakeup from failover rule ${wakeupLabel}` };
}
