/**
 * Finds POSIX extended regular expressions in texts, in time proportional to the text: whoever writes an expression
 * for thousands of processes must not be able to stop the daemon with it. The expression becomes an automaton whose
 * sets of states are worked out as texts need them, and kept.
 */
import { type Node, parseEre } from "./parse.ts";
import { type CharacterSet, contains } from "./sets.ts";

type State =
	| { is: "set"; set: CharacterSet; to: number }
	| { is: "split"; to: number; or: number }
	| { is: "begin" | "end"; to: number }
	| { is: "found" };

/** States of one expression: `(a{255}){255}` is refused. */
const mostStates = 4000;
/** Sets of states that are kept; beyond it they are worked out anew. */
const mostKept = 500;
/** States looked at for one text: far more than any that is no trap. Over it the text counts as not fitting. */
const mostWork = 3_000_000;

/** A set of states, and where each character leads. */
interface Place {
	states: readonly number[];
	found: boolean;
	next: Map<number, Place>;
}

export class Ere {
	readonly #states: State[] = [];
	readonly #start: number;
	#kept = new Map<string, Place>();
	#work = 0;

	/** Throws a SyntaxError with a sentence when the text is no such expression, or too large a one. */
	constructor(text: string) {
		this.#states.push({ is: "found" });
		this.#start = this.#build(parseEre(text), 0);
	}

	/** Whether the expression fits somewhere in the text. */
	test(text: string): boolean {
		this.#work = 0;
		let place = this.#place([this.#start], true, false);
		for (const char of text) {
			if (place.found) return true;
			if (this.#work > mostWork) return false;
			place = this.#step(place, char.codePointAt(0) as number);
		}
		return place.found || this.#place(place.states, text === "", true).found;
	}

	#step(place: Place, point: number): Place {
		const known = place.next.get(point);
		if (known !== undefined) return known;
		const reached = [this.#start];
		for (const index of place.states) {
			const state = this.#states[index] as State;
			if (state.is === "set" && contains(state.set, point)) reached.push(state.to);
		}
		this.#work += place.states.length;
		const next = this.#place(reached, false, false);
		place.next.set(point, next);
		return next;
	}

	/** All states that are reached from some without a character more. */
	#place(from: readonly number[], atBegin: boolean, atEnd: boolean): Place {
		const reached = new Set<number>();
		const open = [...from];
		for (let index = open.pop(); index !== undefined; index = open.pop()) {
			if (reached.has(index)) continue;
			reached.add(index);
			const state = this.#states[index] as State;
			if (state.is === "split") open.push(state.to, state.or);
			else if ((state.is === "begin" && atBegin) || (state.is === "end" && atEnd)) open.push(state.to);
		}
		this.#work += reached.size;
		const states = [...reached].sort((a, b) => a - b);
		const place: Place = { states, found: reached.has(0), next: new Map() };
		if (atBegin || atEnd) return place;
		const key = states.join();
		const known = this.#kept.get(key);
		if (known !== undefined) return known;
		// What was kept falls away as a whole: places refer to each other.
		if (this.#kept.size >= mostKept) {
			for (const old of this.#kept.values()) old.next.clear();
			this.#kept = new Map();
		}
		this.#kept.set(key, place);
		return place;
	}

	#add(state: State): number {
		if (this.#states.length >= mostStates) throw new SyntaxError("the expression repeats too much");
		return this.#states.push(state) - 1;
	}

	/** The state in which `node` begins, with what follows it at `to`. */
	#build(node: Node, to: number): number {
		switch (node.is) {
			case "set":
				return this.#add({ is: "set", set: node.set, to });
			case "begin":
			case "end":
				return this.#add({ is: node.is, to });
			case "sequence":
				return node.parts.reduceRight((after, part) => this.#build(part, after), to);
			case "either":
				return node.branches
					.map((branch) => this.#build(branch, to))
					.reduceRight((or, one) => this.#add({ is: "split", to: one, or }));
			case "repeat":
				return this.#repeat(node, to);
		}
	}

	#repeat({ part, min, max }: Extract<Node, { is: "repeat" }>, to: number): number {
		let begin = to;
		if (max === null) {
			const split: State = { is: "split", to: 0, or: to };
			begin = this.#add(split);
			split.to = this.#build(part, begin);
		}
		for (let more = (max ?? min) - min; more > 0; more--) {
			begin = this.#add({ is: "split", to: this.#build(part, begin), or: to });
		}
		for (let must = min; must > 0; must--) begin = this.#build(part, begin);
		return begin;
	}
}
