/** Output that Windows prints in the language of its user, and scripts that look for words in it. */
import type { Finding } from "../source.ts";
import { type CmdCommand, type CmdScript, wordsOf } from "./read.ts";
import type { At } from "./rules.ts";

/** Words that `sc` and `tasklist` print beside the names that they were asked for; `RUNNING` of sc is never translated. */
const translated = {
	sc: /^\s*(state|type|service_name|display_name|start_type|specified service)\b/i,
	tasklist: /^\s*(info|no tasks|running|not responding|unknown|status|image name|console|services)\b/i,
};

export function languageFindings({ commands }: CmdScript, at: At): Finding[] {
	return commands.flatMap((command, index) => {
		const found = command.name === "for" ? inSet(command.text) : inPipe(commands, index);
		if (found === null) return [];
		return [
			at(command.offset, {
				code: "LINT_CMD_LANGUAGE",
				message: `${found} prints in the language of Windows: the text that is looked for differs on other servers`,
			}),
		];
	});
}

/** `net start | find "…"`. */
function inPipe(commands: readonly CmdCommand[], index: number): string | null {
	const command = commands[index] as CmdCommand;
	const next = commands[index + 1];
	return command.piped && next !== undefined ? translatedBy(command.text, next.text) : null;
}

/** `for /f %%a in ('net start ^| find "…"') do`. */
function inSet(text: string): string | null {
	const [, set] = /^for\s+\/f\b.*?\sin\s*\(\s*['`](.*)['`]\s*\)/is.exec(text) ?? [];
	if (set === undefined) return null;
	const [producer = "", consumer] = set.replaceAll("^", "").split("|");
	if (consumer === undefined && programOf(producer) !== "net") return null;
	return translatedBy(producer, consumer ?? "find");
}

function programOf(text: string): string {
	const [word = ""] = wordsOf(text.trim());
	return word
		.toLowerCase()
		.replace(/^.*\\/, "")
		.replace(/\.exe$/, "");
}

/** The program whose words are looked for. */
function translatedBy(producer: string, consumer: string): string | null {
	if (!/^(find|findstr)$/.test(programOf(consumer))) return null;
	const program = programOf(producer);
	if (program === "net") return "net";
	if (program !== "sc" && program !== "tasklist") return null;
	const looked = wordsOf(consumer.trim())
		.slice(1)
		.filter((word) => !word.startsWith("/"));
	return looked.some((word) => translated[program].test(word)) ? program : null;
}
