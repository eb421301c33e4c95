/** One checker in a context of its own, inside an isolate. How long it stays inside is held to limits by turns.ts. */
import { posix } from "node:path";
import type ivm from "isolated-vm";
import type { Said } from "../inside/driver.ts";
import { quickLimits, runLimits } from "../limits.ts";
import type { SourceFile } from "../messages.ts";

/** The sources of core/sandbox/inside, types stripped. */
export interface Library {
	driver: string;
	checker: string;
}

type Words = (string | number | boolean)[];
type Entry = ivm.Reference<(...words: Words) => Said>;

/** What the driver is asked to do, and with what: `start` takes the input and the time, `answer` a call's, and the time. */
export interface Step {
	entry: "start" | "answer";
	words: Words;
}

/** What came out of a step: the text for the daemon, and whether the run is over. */
export interface Out {
	text: string;
	isDone: boolean;
}

/** What is returned is copied when the promises of the step have settled; that runs no code of the checker. */
const slowly = { result: { copy: true } } as const;
const quickly = { ...slowly, timeout: quickLimits.cutMs } as const;

const scripts = new WeakMap<ivm.Isolate, ivm.Script>();

/** The driver, compiled once for each isolate. */
async function scriptOf(isolate: ivm.Isolate, code: string): Promise<ivm.Script> {
	const script = scripts.get(isolate) ?? (await isolate.compileScript(code, { filename: "opensafe:driver" }));
	scripts.set(isolate, script);
	return script;
}

export class Member {
	/** Its last run was over soon. */
	isQuick = false;
	/** It was not as quick as it was expected to be, and others had to wait: it is never quick again. */
	hasHeldUp = false;
	readonly #entries: Record<Step["entry"], Entry>;
	readonly #context: ivm.Context;

	private constructor(context: ivm.Context, driver: ivm.Reference) {
		this.#context = context;
		const entry = (name: Step["entry"]): Entry => driver.getSync(name, { reference: true }) as Entry;
		this.#entries = { start: entry("start"), answer: entry("answer") };
	}

	/** `said`: what the driver made of the checker's declaration. Rejects with the error of the checker's own code. */
	static async load(
		isolate: ivm.Isolate,
		library: Library,
		entry: string,
		files: readonly SourceFile[],
	): Promise<{ member: Member; said: string }> {
		const context = await isolate.createContext();
		const driver = await (await scriptOf(isolate, library.driver)).run(context, { reference: true });
		const member = new Member(context, driver);
		const begin = driver.getSync("begin", { reference: true }) as ivm.Reference;
		const exported = await evaluate(isolate, context, library, entry, files);
		const said = await begin.apply(undefined, [exported.derefInto()]);
		return { member, said: String(said).slice(0, 4 * runLimits.text) };
	}

	/** One step on another thread. */
	async take({ entry, words }: Step): Promise<Out> {
		return outOf(await this.#entries[entry].apply(undefined, words, slowly));
	}

	/** One step on this thread, which is cut short when it takes too long. */
	takeNow({ entry, words }: Step): Out {
		return outOf(this.#entries[entry].applySync(undefined, words, quickly));
	}

	release(): void {
		for (const each of [...Object.values(this.#entries), this.#context]) each.release();
	}
}

function outOf({ calls, logs, done }: Said): Out {
	const isDone = done !== "";
	const text = `{"calls":[${calls}],"logs":[${logs}]${isDone ? `,"done":${done}` : ""}}`;
	if (text.length > runLimits.turn) throw new RangeError("it said more than 4 MB in one go");
	return { text, isDone };
}

/** Runs the files of a checker; resolves to what its first one exports. */
async function evaluate(
	isolate: ivm.Isolate,
	context: ivm.Context,
	library: Library,
	entry: string,
	files: readonly SourceFile[],
): Promise<ivm.Reference> {
	const modules = new Map<string, ivm.Module>();
	const names = new Map<ivm.Module, string>();
	const add = async (name: string, code: string, filename = name): Promise<void> => {
		const compiled = await isolate.compileModule(code, { filename });
		modules.set(name, compiled);
		names.set(compiled, name);
	};
	await add("opensafe", library.checker, "opensafe:checker");
	for (const { name, code } of files) await add(name, code);
	const main = modules.get(entry);
	if (main === undefined) throw new Error(`there is no ${entry}`);
	await main.instantiate(context, (specifier, from) => {
		const name = specifier === "opensafe" ? specifier : posix.join(posix.dirname(names.get(from) ?? ""), specifier);
		const found = modules.get(name);
		if (found === undefined) throw new Error(`${names.get(from)} imports ${specifier}, which is not there`);
		return found;
	});
	await main.evaluate();
	return main.namespace;
}
