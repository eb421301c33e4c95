/** Writes rules as a person would, so that they can be read again. */
import type { Assignment, Expression, Rule } from "./language.ts";

const binding = { or: 1, and: 2, equal: 3, differs: 3, not: 4 } as const;
const signs = { or: "||", and: "&&", equal: "==", differs: "!=" } as const;

/** With no more brackets than it needs. */
export function conditionText(expression: Expression): string {
	return write(expression, 0);
}

function write(expression: Expression, within: number): string {
	switch (expression.is) {
		case "resource":
			return `${expression.side === "remote" ? "remote." : ""}${expression.class}.${expression.id}`;
		case "state":
			return expression.state;
		case "cluster":
			return "cluster()";
		case "not":
			return `!${write(expression.of, binding.not)}`;
		default: {
			const { is, left, right } = expression;
			const text = `${write(left, binding[is])} ${signs[is]} ${write(right, binding[is] + 1)}`;
			return binding[is] < within ? `(${text})` : text;
		}
	}
}

/** `wait()`, or `rfs.uptodate=up`. */
export function actionText(action: Rule["action"]): string {
	return typeof action === "string" ? `${action}()` : assignmentText(action);
}

function assignmentText({ resource, state }: Assignment): string {
	return `${resource}=${state}`;
}
