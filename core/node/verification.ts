/**
 * A comparison of both copies is made by the primary. A secondary asks for it with a resource in its pulses, and is
 * answered the same way: that is enough for counts; the paths are in the primary's log.
 */
import type { Verdict } from "../cli/control.ts";
import { SafekitError } from "../errors.ts";

const asked = "rfs.verify_asked";
const answered = "rfs.verify_answered";
/** Paths that the log names; the command on the primary names more. */
const mostLogged = 100;
const lookMs = 200;
/** A primary that has not begun to answer by then does not hear this server. */
const beginMs = 15_000;

/** What a verification needs of the module. */
export interface Verifier {
	verify(): Promise<Verdict>;
	peerResource(name: string): string | undefined;
	setResource(name: string, value: string): void;
	log(level: "E" | "I", text: string): void;
	/** SECOND Ready. */
	isFollowing(): boolean;
}

/** Of one module on one server, in both roles. */
export class Verification {
	readonly #of: Verifier;
	/** The last question that was heard; undefined before the first pulse. */
	#heard: string | null | undefined;

	constructor(of: Verifier) {
		this.#of = of;
	}

	/** The primary's own command, and the answer to the secondary's: says in the log what was found. */
	async verify(): Promise<Verdict> {
		const verdict = await this.#of.verify();
		const { files, count } = verdict;
		if (count === 0) this.#of.log("I", `Verification: ${files} files compared, both servers have the same data`);
		else this.#of.log("E", `Verification: ${files} files compared, ${count} paths differ`);
		for (const path of (verdict.differences ?? []).slice(0, mostLogged)) this.#of.log("E", `Different: ${path}`);
		return verdict;
	}

	/** Pulses of the other server carry these resources. A question from before this daemon started is an old one. */
	hear(resources: Readonly<Record<string, string>>): void {
		const question = resources[asked] ?? null;
		const isNew = this.#heard !== undefined && question !== null && question !== this.#heard;
		this.#heard = question;
		if (!isNew) return;
		this.#of.setResource(answered, `${question} begun`);
		this.verify().then(
			({ count, files, bytes }) => this.#of.setResource(answered, `${question} ${count} ${files} ${bytes}`),
			(error) => this.#of.setResource(answered, `${question} failed ${firstWords(error)}`),
		);
	}

	/** As the secondary. @throws SafekitError RFS_VERIFY when it comes to nothing. */
	async ask(nowMs: number, signal: AbortSignal): Promise<Verdict> {
		const question = nowMs.toString(36);
		this.#of.setResource(asked, question);
		for (let waitedMs = 0; !signal.aborted; waitedMs += lookMs) {
			await new Promise((resolve) => setTimeout(resolve, lookMs));
			const [to, ...words] = (this.#of.peerResource(answered) ?? "").split(" ");
			const hears = to === question;
			if (hears && words[0] === "failed") throw failed(words.slice(1).join(" "));
			if (hears && words[0] !== "begun") return verdictOf(words);
			if (!this.#of.isFollowing()) throw failed("this server is not the secondary any more");
			if (!hears && waitedMs > beginMs) throw failed("the primary does not answer");
		}
		throw failed("it was interrupted here; the primary goes on and writes its log");
	}
}

function verdictOf(words: string[]): Verdict {
	const [count, files, bytes] = words.map(Number);
	if (![count, files, bytes].every(Number.isSafeInteger)) throw failed("the primary's answer is not readable");
	return { differences: null, count: count as number, files: files as number, bytes: bytes as number };
}

const firstWords = (error: unknown): string =>
	(error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 80);

function failed(why: string): SafekitError {
	return new SafekitError("RFS_VERIFY", `The copies could not be compared: ${why}.`);
}
