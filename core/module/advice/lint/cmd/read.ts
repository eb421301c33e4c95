/**
 * Reads a script of the Windows command processor as that one does: commands, the blocks that they stand in, labels.
 * Inside a block any `)` outside quotes closes it, whatever command it stands in; outside of one it is text.
 */

export interface CmdCommand {
	/** Lower case, without path and quotes: `net`, `set`; `if` and `for` stand for their conditions and sets. */
	name: string;
	/** As written, from the name on. */
	text: string;
	offset: number;
	/** Blocks around it, by number, outermost first. */
	blocks: readonly number[];
	/** It runs only if something holds, or for each of something. */
	conditional: boolean;
	/** Its output goes to the next one. */
	piped: boolean;
}

export interface CmdScript {
	commands: CmdCommand[];
	/** In lower case, with the number of commands before it and its place. */
	labels: Map<string, { before: number; offset: number }>;
	/** Openings of blocks that nobody closes. */
	unclosed: number[];
	/** A `)` where no block is open: the command processor skips the rest of its line. */
	stray: number | null;
}

const blank = /[ \t\f\v,;=]/;

export function readCmd(text: string): CmdScript {
	return new Reader(text).read();
}

class Reader {
	readonly #text: string;
	#at = 0;
	#blocks: { id: number; offset: number }[] = [];
	#nextBlock = 1;
	#conditional = false;
	readonly #script: CmdScript = { commands: [], labels: new Map(), unclosed: [], stray: null };

	constructor(text: string) {
		this.#text = text;
	}

	read(): CmdScript {
		while (this.#at < this.#text.length) this.#statement();
		this.#script.unclosed = this.#blocks.map(({ offset }) => offset);
		return this.#script;
	}

	/** What begins where a command may begin. */
	#statement(): void {
		this.#skip(/[ \t\f\v,;=@\r]/);
		const c = this.#text[this.#at] ?? "";
		if (c === "\n") {
			this.#at++;
			this.#conditional = false;
		} else if (c === ":" && this.#isLineStart()) this.#label();
		else if (c === "(") this.#blocks.push({ id: this.#nextBlock++, offset: this.#at++ });
		else if (c === ")") this.#close();
		else if (c === "&" || c === "|") this.#at++;
		else if (c !== "") this.#command();
	}

	#isLineStart(): boolean {
		const before = this.#text.slice(0, this.#at);
		return /^[ \t,;=]*$/.test(before.slice(before.lastIndexOf("\n") + 1));
	}

	#label(): void {
		const [, name] = /^:[ \t]*([^\s:+,;=&|<>()"]*)/.exec(this.#text.slice(this.#at, this.#at + 300)) ?? [];
		const key = name?.toLowerCase() ?? "";
		if (key !== "" && !this.#script.labels.has(key)) {
			this.#script.labels.set(key, { before: this.#script.commands.length, offset: this.#at });
		}
		this.#skipLine();
	}

	#close(): void {
		if (this.#blocks.pop() === undefined) {
			this.#script.stray ??= this.#at;
			this.#skipLine();
			return;
		}
		this.#at++;
		this.#skip(/[ \t]/);
		if (/^else\b/i.test(this.#text.slice(this.#at, this.#at + 5))) this.#at += 4;
	}

	#command(): void {
		const from = this.#at;
		const word = this.#word();
		const name = word.toLowerCase();
		if (name === "rem") {
			this.#skipLine();
			return;
		}
		if (name === "if") this.#condition();
		else if (name === "for") this.#forSet();
		else this.#arguments();
		// A character that nothing above takes must not be looked at for ever.
		if (this.#at === from) this.#at++;
		const plain = /^(if|for)$/.test(name) ? name : programName(name);
		const text = this.#text.slice(from, this.#at);
		const piped = this.#text[this.#at] === "|" && this.#text[this.#at + 1] !== "|";
		const blocks = this.#blocks.map(({ id }) => id);
		this.#script.commands.push({ name: plain, text, offset: from, blocks, conditional: this.#conditional, piped });
		if (plain === "if" || plain === "for") this.#conditional = true;
	}

	#word(): string {
		const from = this.#at;
		let quoted = false;
		for (; this.#at < this.#text.length; this.#at++) {
			const c = this.#text[this.#at] as string;
			if (c === "\n" || c === "\r") break;
			if (c === '"') quoted = !quoted;
			else if (!quoted && /[\s,;=()&|<>]/.test(c)) break;
			else if (!quoted && c === "^") this.#escaped();
		}
		return this.#text.slice(from, this.#at);
	}

	/** Up to what ends a command. */
	#arguments(): void {
		for (let quoted = false; this.#at < this.#text.length; this.#at++) {
			const c = this.#text[this.#at] as string;
			if (c === "\n") return;
			if (c === '"') quoted = !quoted;
			else if (quoted) continue;
			else if (c === "^") this.#escaped();
			else if (c === "|" || (c === "&" && !/[<>]/.test(this.#text[this.#at - 1] ?? ""))) return;
			else if (c === ")" && this.#blocks.length > 0) return;
		}
	}

	/** `^` takes the next character, or the line end, for a part of the command. */
	#escaped(): void {
		this.#at += this.#text.startsWith("\r\n", this.#at + 1) ? 2 : 1;
	}

	/** `/i`, `not`, then `exist X`, `defined X`, `errorlevel N`, `A==B` or `A equ B`. */
	#condition(): void {
		let word = this.#operand();
		while (/^(\/i|not)$/i.test(word)) word = this.#operand();
		if (/^(exist|defined|errorlevel|cmdextversion)$/i.test(word)) {
			this.#operand();
			return;
		}
		this.#skip(/[ \t]/);
		if (this.#text.startsWith("==", this.#at)) this.#at += 2;
		else this.#operand();
		this.#operand();
	}

	#operand(): string {
		this.#skip(/[ \t]/);
		const from = this.#at;
		let quoted = false;
		for (; this.#at < this.#text.length; this.#at++) {
			const c = this.#text[this.#at] as string;
			if (c === "\n" || c === "\r") break;
			if (c === '"') quoted = !quoted;
			else if (!quoted && (/[ \t]/.test(c) || this.#text.startsWith("==", this.#at))) break;
		}
		return this.#text.slice(from, this.#at);
	}

	/** `… in (set) do`; the set may go over several lines. */
	#forSet(): void {
		const rest = this.#text.slice(this.#at, this.#at + 1000);
		const [head] = /^[^\n]*?\sin\s*\(/i.exec(rest) ?? [];
		if (head === undefined) {
			this.#arguments();
			return;
		}
		this.#at += head.length;
		for (let quoted = false; this.#at < this.#text.length; this.#at++) {
			const c = this.#text[this.#at] as string;
			if (c === "\n") quoted = false;
			else if (c === '"') quoted = !quoted;
			else if (!quoted && c === "^") this.#escaped();
			else if (!quoted && c === ")") break;
		}
		this.#at++;
		const [end] = /^\s*do\b/i.exec(this.#text.slice(this.#at, this.#at + 100)) ?? [];
		this.#at += end?.length ?? 0;
	}

	#skip(what: RegExp): void {
		while (this.#at < this.#text.length && what.test(this.#text[this.#at] as string)) this.#at++;
	}

	#skipLine(): void {
		const end = this.#text.indexOf("\n", this.#at);
		this.#at = end < 0 ? this.#text.length : end;
	}
}

/** `"C:\Windows\System32\net.exe"` is `net`; `echo.` is `echo`. */
function programName(word: string): string {
	const plain = word.replaceAll('"', "").replace(/[.:/\\]+$/, "");
	return plain.slice(plain.lastIndexOf("\\") + 1).replace(/\.exe$/, "");
}

/** The words of a command, quotes taken off. */
export function wordsOf(text: string): string[] {
	return [...text.matchAll(/"([^"]*)"?|[^\s"]+/g)].map(([whole, quoted]) => quoted ?? whole);
}

/** Whether a place of a command is between quotes. */
export function isQuoted(text: string, at: number): boolean {
	return (text.slice(0, at).split('"').length - 1) % 2 === 1;
}

export function isBlank(c: string | undefined): boolean {
	return c !== undefined && blank.test(c);
}
