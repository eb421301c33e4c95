/** Cuts the text of rules into words and signs. Both languages have the same; only comments and strings differ. */
import { RuleFault } from "./language.ts";

export interface Token {
	/** `sign`: punctuation; `end`: after the last character. */
	is: "word" | "string" | "sign" | "end";
	text: string;
	offset: number;
}

/** A word, or a resource: segments with dots between them, the last of which may be a wildcard. */
const word = /[A-Za-z_][\w-]*(?:\.[^\s.()!&|=;,*?/"'{}<>]+)*(?:\.[*?](?![\w.]))?/y;
const sign = /&&|\|\||==|!=|[(){}!;:=,+]/y;
const blanks = /\s+/y;

export type Language = "rules" | "lua";

export function tokensOf(text: string, language: Language): Token[] {
	const tokens: Token[] = [];
	let at = 0;
	while (at < text.length) {
		const start = at;
		at = skip(text, at, language);
		if (at > start) continue;
		const token = next(text, at, language);
		tokens.push(token);
		at += token.is === "string" ? token.text.length + 2 : token.text.length;
	}
	// What is missing at the end is missing behind the last word, not behind the blanks that follow.
	tokens.push({ is: "end", text: "", offset: text.trimEnd().length });
	return tokens;
}

/** After blanks or a comment at `at`; `at` itself if there is neither. */
function skip(text: string, at: number, language: Language): number {
	const blank = match(blanks, text, at);
	if (blank !== undefined) return at + blank.length;
	const [open, close, what] = language === "rules" ? ["/*", "*/", "/*"] : ["--[[", "]]", "--[["];
	if (text.startsWith(open, at)) {
		const end = text.indexOf(close, at + open.length);
		if (end < 0) throw new RuleFault(`the comment that ${what} begins does not end`, at);
		return end + close.length;
	}
	if (language === "lua" && text.startsWith("--", at)) {
		const end = text.indexOf("\n", at);
		return end < 0 ? text.length : end;
	}
	return at;
}

function next(text: string, at: number, language: Language): Token {
	const found = match(word, text, at);
	if (found !== undefined) return { is: "word", text: withoutColon(found), offset: at };
	const mark = match(sign, text, at);
	if (mark !== undefined) return { is: "sign", text: mark, offset: at };
	const quote = text[at];
	if (language === "lua" && (quote === '"' || quote === "'")) {
		const end = text.indexOf(quote, at + 1);
		const inner = text.slice(at + 1, end);
		if (end < 0 || /[\n\\]/.test(inner)) throw new RuleFault("the string does not end in its line", at);
		return { is: "string", text: inner, offset: at };
	}
	throw new RuleFault(`the character ${quote} means nothing here`, at);
}

/** The colon behind a label is none of an address. */
function withoutColon(found: string): string {
	return found.endsWith(":") && !found.endsWith("::") ? found.slice(0, -1) : found;
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
	pattern.lastIndex = at;
	return pattern.exec(text)?.[0];
}

/** Walks over tokens, and says what it expected where. */
export class Reader {
	readonly #tokens: readonly Token[];
	#at = 0;
	/** Resources and states of the present rule. */
	operands = 0;

	constructor(tokens: readonly Token[]) {
		this.#tokens = tokens;
	}

	get now(): Token {
		return this.#tokens[this.#at] as Token;
	}

	get ended(): boolean {
		return this.now.is === "end";
	}

	/** Takes the token if it is this word or sign. */
	takes(text: string): boolean {
		const { now } = this;
		if (now.is === "string" || now.is === "end" || now.text !== text) return false;
		this.#at++;
		return true;
	}

	need(text: string, after: string): void {
		if (!this.takes(text)) throw this.fault(`expected ${text} ${after}`);
	}

	/** Takes a word or a string. */
	take(is: "word" | "string", what: string): Token {
		const { now } = this;
		if (now.is !== is) throw this.fault(`expected ${what}`);
		this.#at++;
		return now;
	}

	/** A fault at the present token that names it. */
	fault(message: string): RuleFault {
		const { now } = this;
		const found = now.is === "end" ? "the end of the rules" : now.text.slice(0, 40);
		return new RuleFault(`${message}, found ${found}`, now.offset);
	}
}
