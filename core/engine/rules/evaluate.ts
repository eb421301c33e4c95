/**
 * Whether a condition holds. `open`: a resource that it depends on has no value yet (`init`), so nobody can say; such
 * a rule does nothing (spec/02 §11.1), but a wait rule keeps a starting module in WAIT until the value is there.
 */
import { type Expression, isWildcard, type Operand, type ResourceName } from "./language.ts";

export type Truth = "yes" | "no" | "open";

/** Values of resources by name, `class.id`. */
export interface Values {
	get(name: string): string | undefined;
	names(): Iterable<string>;
}

/** What conditions are about, at one moment. */
export interface Facts {
	local: Values;
	/** null: the other node is not heard; all of its resources are `unknown`. */
	remote: Values | null;
	/** The other node is seen in the cluster. */
	cluster: boolean;
	/** Resources that nobody keeps up to date now (`checker off`): as if they had no value. */
	muted(name: string): boolean;
}

export interface Verdict {
	truth: Truth;
	/** With `open`: a local resource that is `init`, if that is why. */
	init: string | null;
}

export function evaluate(expression: Expression, facts: Facts): Verdict {
	const run: Run = { facts, init: null };
	const truth = holds(expression, run);
	return { truth, init: truth === "open" ? run.init : null };
}

interface Run {
	facts: Facts;
	init: string | null;
}

function holds(expression: Expression, run: Run): Truth {
	switch (expression.is) {
		case "not":
			return not(holds(expression.of, run));
		case "and":
			return all([expression.left, expression.right].map((each) => holds(each, run)));
		case "or":
			return any([expression.left, expression.right].map((each) => holds(each, run)));
		case "equal":
		case "differs":
			return compare(expression.left, expression.right, expression.is === "differs", run);
		default:
			return isWildcard(expression)
				? quantify(expression, run, (value) => sameState(value, "up"))
				: sameState(stateOf(expression, run), "up");
	}
}

/** A state, or null while there is none. */
type Value = string | null;

function compare(left: Expression, right: Expression, differs: boolean, run: Run): Truth {
	const decided = (truth: Truth): Truth => (differs ? not(truth) : truth);
	if (isOperand(left) && isOperand(right)) {
		const [many, other] = isWildcard(left) ? [left, right] : isWildcard(right) ? [right, left] : [undefined, right];
		const value = stateOf(other, run);
		const same = (each: Value): Truth => decided(sameValues(each, value, other.is === "state"));
		return many === undefined ? same(stateOf(left, run)) : quantify(many, run, same);
	}
	// A condition compared with something is compared as true or false; up is true.
	const [one, two] = [holds(left, run), holds(right, run)];
	return decided(one === "open" || two === "open" ? "open" : one === two ? "yes" : "no");
}

function isOperand(expression: Expression): expression is Operand {
	return expression.is === "resource" || expression.is === "state" || expression.is === "cluster";
}

/** `literal`: the second one is written in the rule, so that a comparison with `init` is meant. */
function sameValues(value: Value, other: Value, literal: boolean): Truth {
	if (literal && other !== null) return sameState(value, other);
	return value === null || other === null ? "open" : value === other ? "yes" : "no";
}

function sameState(value: Value, state: string): Truth {
	if (state === "init") return value === null ? "yes" : "no";
	return value === null ? "open" : value === state ? "yes" : "no";
}

function stateOf(operand: Operand, run: Run): Value {
	if (operand.is === "state") return operand.state;
	if (operand.is === "cluster") return run.facts.cluster ? "up" : "down";
	return read(operand.side, `${operand.class}.${operand.id}`, run);
}

function read(side: ResourceName["side"], name: string, run: Run): Value {
	const { facts } = run;
	const value = side === "local" ? facts.local.get(name) : (facts.remote?.get(name) ?? "unknown");
	if (side === "local" && facts.muted(name)) return null;
	if (value !== "init") return value ?? null;
	if (side === "local") run.init ??= name;
	return null;
}

/** `*`: of all, and there is one; `?`: of any. */
function quantify(operand: ResourceName, run: Run, test: (value: Value) => Truth): Truth {
	const values = operand.side === "local" ? run.facts.local : run.facts.remote;
	const truths: Truth[] = [];
	for (const name of values?.names() ?? []) {
		if (name.startsWith(`${operand.class}.`)) truths.push(test(read(operand.side, name, run)));
	}
	if (truths.length === 0) return "no";
	return operand.id === "*" ? all(truths) : any(truths);
}

function not(truth: Truth): Truth {
	return truth === "open" ? "open" : truth === "yes" ? "no" : "yes";
}

function all(truths: readonly Truth[]): Truth {
	return truths.includes("no") ? "no" : truths.includes("open") ? "open" : "yes";
}

function any(truths: readonly Truth[]): Truth {
	return truths.includes("yes") ? "yes" : truths.includes("open") ? "open" : "no";
}
