/** Variables of the command processor: blanks in `set`, and values that are read before they are set. */
import type { Finding } from "../source.ts";
import type { CmdCommand, CmdScript } from "./read.ts";
import type { At } from "./rules.ts";

export function variableFindings(script: CmdScript, at: At): Finding[] {
	return [...script.commands.flatMap((command) => blanksInSet(command, at)), ...delayed(script, at)];
}

/** `set /a` allows blanks. */
function blanksInSet({ name, text, offset }: CmdCommand, at: At): Finding[] {
	if (name !== "set" || /^set\s+\/a\b/i.test(text)) return [];
	const [, head = "", variable = "", value = ""] = /^(set\s+(?:\/p\s+)?"?)([^="\r\n]*)=([^\r\n]*)/i.exec(text) ?? [];
	if (variable === "") return [];
	const place = offset + head.length;
	if (/\s$/.test(variable)) {
		const message = `the blank before = becomes part of the name: this sets "${variable}", and %${variable.trim()}% stays as it was`;
		return [at(place, { code: "LINT_CMD_SET", message })];
	}
	if (/\/p/i.test(head) || !/^[ \t]+\S/.test(value)) return [];
	return [at(place, { code: "LINT_CMD_SET", message: `the value of ${variable} begins with the blank after =` })];
}

const errorlevelRemedy =
	"Write `if errorlevel 1`, which looks when it is run, or !errorlevel! after `setlocal EnableDelayedExpansion`.";

/** A block is read whole: every %X% in it has the value from before the block. */
function delayed({ commands }: CmdScript, at: At): Finding[] {
	const findings: Finding[] = [];
	const isOn = commands.some(({ text }) => /enabledelayedexpansion|\bcmd(\.exe)?\b.*\/v:on/i.test(text));
	let block = 0;
	let set = new Set<string>();
	const told = new Set<string>();
	for (const { name, text, offset, blocks } of commands) {
		const outer = blocks[0] ?? 0;
		if (outer !== block) [block, set] = [outer, new Set()];
		const early = [...text.matchAll(/%([A-Za-z_][\w.]*)(?::[^%\r\n]*)?%/g)].find(({ 1: used }) =>
			set.has((used as string).toLowerCase()),
		);
		if (block !== 0 && early !== undefined && !told.has(`${block} ${early[1]}`)) {
			told.add(`${block} ${early[1]}`);
			const message = `${early[0]} has the value from before the block, not what was set inside it`;
			const remedy = early[1]?.toLowerCase() === "errorlevel" ? { remedy: errorlevelRemedy } : {};
			findings.push(at(offset + early.index, { code: "LINT_CMD_DELAYED", message, ...remedy }));
		}
		const literal = isOn || name === "echo" ? null : /![A-Za-z_]\w*!/.exec(text);
		if (literal !== null && findings.every(({ message }) => !message.startsWith("!"))) {
			const message = `${literal[0]} is not replaced: the script does not turn delayed expansion on`;
			findings.push(at(offset + literal.index, { code: "LINT_CMD_DELAYED", message }));
		}
		const variable = /^set\s+(?:\/[ap]\s+)?"?([A-Za-z_][\w.]*)\s*[-+*/]?=/i.exec(text)?.[1];
		if (variable !== undefined) set.add(variable.toLowerCase());
		else if (!/^(if|for|set|echo|goto|setlocal|endlocal|exit)$/.test(name)) set.add("errorlevel");
	}
	return findings;
}
