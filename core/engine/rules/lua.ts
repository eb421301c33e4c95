/**
 * Reads the Lua form of rules as far as it is documented (spec/02 §11.2). It is parsed, never executed:
 *
 *     --Lua Rules
 *     Rules = Rules + { label=if_then("tcp.web","down",Action.restart), _group="checker" }
 *     Rules.disable("label")
 */
import {
	type Expression,
	type Rule,
	type RuleAction,
	RuleFault,
	resourceName,
	ruleActions,
	ruleLimits,
} from "./language.ts";
import { checkLabel, limitText } from "./parse.ts";
import { Reader, type Token, tokensOf } from "./tokens.ts";

export interface LuaRules {
	rules: Rule[];
	/** Labels that `Rules.disable` names, with their places. */
	disabled: { label: string; offset: number }[];
}

/** True for a section whose first line says that it is Lua. */
export function isLua(text: string): boolean {
	return /^\s*--[ \t]*lua rules/i.test(text);
}

const documented =
	'only Rules = Rules + { label=if_then("resource","state",Action.wait) } and Rules.disable("label") are read';

/** @throws RuleFault with the place of what is wrong. */
export function parseLua(text: string): LuaRules {
	limitText(text);
	const reader = new Reader(tokensOf(text, "lua"));
	const read: LuaRules = { rules: [], disabled: [] };
	while (!reader.ended) {
		if (reader.takes(";")) continue;
		if (reader.takes("Rules.disable")) read.disabled.push(disable(reader));
		else if (reader.takes("Rules")) add(reader, read.rules);
		else throw reader.fault(documented);
		if (read.rules.length + read.disabled.length > ruleLimits.rules) {
			throw reader.fault(`more than ${ruleLimits.rules} rules`);
		}
	}
	return read;
}

function disable(reader: Reader): { label: string; offset: number } {
	const brackets = reader.takes("(");
	const { text, offset } = reader.take("string", "the label of a rule in quotes");
	if (brackets) reader.need(")", "after the label");
	return { label: checkLabel(text, offset), offset };
}

/** Behind `Rules`. `_group` only groups rules in the product's own files. */
function add(reader: Reader, rules: Rule[]): void {
	for (const text of ["=", "Rules", "+", "{"]) reader.need(text, `(${documented})`);
	while (!reader.takes("}")) {
		const name = reader.take("word", "a label, or } at the end of the rules");
		reader.need("=", `after ${name.text.slice(0, 40)}`);
		if (name.text === "_group") reader.take("string", "the name of a group in quotes");
		else rules.push(ifThen(reader, name));
		if (rules.length > ruleLimits.rules) throw reader.fault(`more than ${ruleLimits.rules} rules`);
		if (!reader.takes(",") && !reader.takes(";") && reader.now.text !== "}") throw reader.fault("expected , or }");
	}
}

function ifThen(reader: Reader, label: Token): Rule {
	reader.need("if_then", `after ${label.text.slice(0, 40)}=`);
	reader.need("(", "after if_then");
	const resource = reader.take("string", "a resource in quotes");
	reader.need(",", "after the resource");
	const state = reader.take("string", "a state in quotes");
	reader.need(",", "after the state");
	const what = action(reader);
	reader.need(")", "after the action");
	const left = resourceName(resource.text, resource.offset + 1);
	if (left === undefined) throw new RuleFault("expected a resource: class.id", resource.offset + 1);
	if (!/^[^\s"]{1,128}$/.test(state.text)) throw new RuleFault("expected a state: one word", state.offset + 1);
	const right: Expression = { is: "state", state: state.text, offset: state.offset + 1 };
	return {
		label: checkLabel(label.text, label.offset),
		when: { is: "equal", left, right },
		action: what,
		offset: label.offset,
	};
}

function action(reader: Reader): RuleAction {
	const expected = `an action: ${ruleActions.map((name) => `Action.${name}`).join(", ")}`;
	const { text, offset } = reader.take("word", expected);
	const known = ruleActions.find((name) => `Action.${name}` === text);
	if (known === undefined) throw new RuleFault(`expected ${expected}, found ${text.slice(0, 40)}`, offset);
	return known;
}
