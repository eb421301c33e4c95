/** Failover rules as the parsers leave them (spec/02 §11): plain data, with the offsets that errors are placed by. */

/** What a rule of a configuration may do; each equals the command of that name, given with the rule as identity. */
export const ruleActions = ["stop", "wait", "stopstart", "swap", "restart"] as const;
export type RuleAction = (typeof ruleActions)[number];

/** One resource, or with `*` all and with `?` any of a class. */
export interface ResourceName {
	is: "resource";
	side: "local" | "remote";
	class: string;
	id: string;
	offset: number;
}

/** What stands on a side of a comparison, or alone: a resource is true when it is `up`. */
export type Operand =
	| ResourceName
	| { is: "state"; state: string; offset: number }
	/** Whether the other node is seen in the cluster: `up` or `down`. Only in rules of the product. */
	| { is: "cluster"; offset: number };

export type Expression =
	| Operand
	| { is: "not"; of: Expression }
	| { is: "and" | "or"; left: Expression; right: Expression }
	| { is: "equal" | "differs"; left: Expression; right: Expression };

/** `then rfs.uptodate=up`: only in rules of the product. */
export interface Assignment {
	resource: string;
	state: string;
}

export interface Rule {
	label: string;
	when: Expression;
	action: RuleAction | Assignment;
	/** Where the label stands in the text. */
	offset: number;
}

/** What is no rule, and where: the only error that the parsers throw. */
export class RuleFault extends Error {
	readonly offset: number;

	constructor(message: string, offset: number) {
		super(message);
		this.offset = offset;
	}
}

/** Limits of one section; whoever needs more has written a program. */
export const ruleLimits = { characters: 65_536, rules: 500, depth: 32, operands: 200, name: 128 } as const;

const wildcards = ["*", "?"];

export function isWildcard(operand: Expression): operand is ResourceName {
	return operand.is === "resource" && wildcards.includes(operand.id);
}

/**
 * `[local.|remote.]class.id`; undefined when it is no resource. `rest` after the class may hold dots: addresses do.
 */
export function resourceName(name: string, offset: number): ResourceName | undefined {
	const [, side = "local", kind, id] = /^(?:(local|remote)\.)?([A-Za-z_][\w-]*)\.(.+)$/s.exec(name) ?? [];
	if (kind === undefined || id === undefined || name.length > ruleLimits.name) return undefined;
	return { is: "resource", side: side === "remote" ? "remote" : "local", class: kind, id, offset };
}

/** Every operand of an expression, from left to right. */
export function operandsOf(expression: Expression): Operand[] {
	switch (expression.is) {
		case "not":
			return operandsOf(expression.of);
		case "and":
		case "or":
		case "equal":
		case "differs":
			return [...operandsOf(expression.left), ...operandsOf(expression.right)];
		default:
			return [expression];
	}
}
