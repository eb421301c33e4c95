/** Questions to a person at a terminal. */
import { createInterface } from "node:readline/promises";
import { SafekitError } from "../errors.ts";

/** One question; the answer without blanks around. Throws when the person leaves. */
export type Ask = (question: string) => Promise<string>;

/** undefined: nobody sits there. */
export function terminalAsk(): Ask | undefined {
	if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) return undefined;
	return async (question) => {
		const lines = createInterface({ input: process.stdin, output: process.stdout });
		const left = new AbortController();
		lines.once("SIGINT", () => left.abort());
		lines.once("close", () => left.abort());
		try {
			return (await lines.question(question, { signal: left.signal })).trim();
		} catch (cause) {
			process.stdout.write("\n");
			throw new SafekitError("CREATE_LEFT", "Nothing was made.", { cause });
		} finally {
			lines.close();
		}
	};
}

/** Asks until the answer can be read; an empty answer means `usual`. */
export async function askFor<T>(
	{ ask, say }: { ask: Ask; say(text: string): void },
	question: string,
	usual: string,
	read: (answer: string) => T,
): Promise<T> {
	for (;;) {
		const answer = await ask(usual === "" ? `${question}: ` : `${question} [${usual}]: `);
		try {
			return read(answer === "" ? usual : answer);
		} catch (error) {
			if (!(error instanceof SafekitError) || error.code !== "USAGE") throw error;
			say(`  ${error.message}\n`);
		}
	}
}
