/**
 * Reads the rule language of spec/02 §11.1:
 *
 *     label: if ( expression ) then action ;
 *     expression ::= ( e ) | ! e | e && e | e || e | e == e | e != e | resource | state
 *
 * `!` binds closest, then `==` and `!=`, then `&&`, then `||`, as in C.
 */
import {
	type Assignment,
	type Expression,
	isWildcard,
	type Operand,
	type Rule,
	type RuleAction,
	RuleFault,
	resourceName,
	ruleActions,
	ruleLimits,
} from "./language.ts";
import { Reader, tokensOf } from "./tokens.ts";

/**
 * All rules of a text. `internal`: assignments and `cluster()` are allowed, as in the rules of the product.
 * @throws RuleFault with the place of what is wrong.
 */
export function parseRules(text: string, internal = false): Rule[] {
	limitText(text);
	const reader = new Reader(tokensOf(text, "rules"));
	const rules: Rule[] = [];
	while (!reader.ended) {
		if (rules.length >= ruleLimits.rules) throw reader.fault(`more than ${ruleLimits.rules} rules`);
		rules.push(rule(reader, internal));
	}
	return rules;
}

export function limitText(text: string): void {
	if (text.length <= ruleLimits.characters) return;
	throw new RuleFault(`the rules have more than ${ruleLimits.characters} characters`, ruleLimits.characters);
}

export function checkLabel(label: string, offset: number): string {
	if (/^[\w.:-]{1,64}$/.test(label)) return label;
	throw new RuleFault("a label has at most 64 letters, digits, _, - and dots", offset);
}

function rule(reader: Reader, internal: boolean): Rule {
	const label = reader.take("word", "the label of a rule, as in `label: if (…) then wait();`");
	checkLabel(label.text, label.offset);
	reader.need(":", `after the label ${label.text.slice(0, 40)}`);
	reader.need("if", "after the label's colon");
	reader.need("(", "after if");
	reader.operands = 0;
	const when = or(reader, internal, 0);
	reader.need(")", "at the end of the condition");
	reader.need("then", "after the condition");
	const what = action(reader, internal);
	reader.need(";", "at the end of the rule");
	return { label: label.text, when, action: what, offset: label.offset };
}

function action(reader: Reader, internal: boolean): RuleAction | Assignment {
	const expected = `an action: ${ruleActions.map((name) => `${name}()`).join(", ")}`;
	const { text, offset } = reader.take("word", expected);
	const known = ruleActions.find((name) => name === text);
	if (known !== undefined) {
		reader.need("(", `after ${text}`);
		reader.need(")", `after ${text}(`);
		return known;
	}
	if (!reader.takes("=")) throw new RuleFault(`expected ${expected}, found ${text.slice(0, 40)}`, offset);
	if (!internal) throw new RuleFault("assignments are for the rules of the product", offset);
	return { resource: text, state: reader.take("word", "a state").text };
}

function or(reader: Reader, internal: boolean, depth: number): Expression {
	let left = and(reader, internal, depth);
	while (reader.takes("||")) left = { is: "or", left, right: and(reader, internal, depth) };
	return left;
}

function and(reader: Reader, internal: boolean, depth: number): Expression {
	let left = comparison(reader, internal, depth);
	while (reader.takes("&&")) left = { is: "and", left, right: comparison(reader, internal, depth) };
	return left;
}

function comparison(reader: Reader, internal: boolean, depth: number): Expression {
	let left = unary(reader, internal, depth);
	for (;;) {
		const is = reader.takes("==") ? "equal" : reader.takes("!=") ? "differs" : undefined;
		if (is === undefined) return left;
		const right = unary(reader, internal, depth);
		if (isWildcard(left) && isWildcard(right)) {
			throw new RuleFault("only one side of a comparison may have a wildcard", right.offset);
		}
		left = { is, left, right };
	}
}

function unary(reader: Reader, internal: boolean, depth: number): Expression {
	if (depth > ruleLimits.depth) throw reader.fault("the condition is nested too deeply");
	if (reader.takes("!")) return { is: "not", of: unary(reader, internal, depth + 1) };
	if (reader.takes("(")) {
		const inner = or(reader, internal, depth + 1);
		reader.need(")", "for the ( before");
		return inner;
	}
	return operand(reader, internal);
}

function operand(reader: Reader, internal: boolean): Operand {
	const { text, offset } = reader.take("word", "a resource (class.id) or a state (init, down, up, unknown)");
	if (++reader.operands > ruleLimits.operands) {
		throw new RuleFault(`a rule has at most ${ruleLimits.operands} resources and states`, offset);
	}
	if (reader.takes("(")) {
		if (text !== "cluster" || !internal) throw new RuleFault(`there is no function ${text.slice(0, 40)}`, offset);
		reader.need(")", "after cluster(");
		return { is: "cluster", offset };
	}
	if (!text.includes(".")) {
		if (text.length > ruleLimits.name) throw new RuleFault("the state is too long", offset);
		return { is: "state", state: text, offset };
	}
	const resource = resourceName(text, offset);
	if (resource === undefined) throw new RuleFault(`${text.slice(0, 40)} is no resource: expected class.id`, offset);
	return resource;
}
