/** One checker in a context of its own, inside an isolate. How long it stays inside is held to limits by turns.ts. */
import { posix } from "node:path";
import type ivm from "isolated-vm";
import { runLimits } from "../limits.ts";
import type { SourceFile } from "../messages.ts";

/** The sources of core/sandbox/inside, types stripped. */
export interface Library {
	driver: string;
	checker: string;
}

type Entry = ivm.Reference<(...words: (string | number | boolean)[]) => void>;

const scripts = new WeakMap<ivm.Isolate, ivm.Script>();

/** The driver, compiled once for each isolate. */
async function scriptOf(isolate: ivm.Isolate, code: string): Promise<ivm.Script> {
	const script = scripts.get(isolate) ?? (await isolate.compileScript(code, { filename: "opensafe:driver" }));
	scripts.set(isolate, script);
	return script;
}

export class Member {
	readonly #start: Entry;
	readonly #answer: Entry;
	readonly #collect: ivm.Reference<() => string>;
	readonly #context: ivm.Context;

	private constructor(context: ivm.Context, driver: ivm.Reference) {
		this.#context = context;
		this.#start = driver.getSync("start", { reference: true }) as Entry;
		this.#answer = driver.getSync("answer", { reference: true }) as Entry;
		this.#collect = driver.getSync("collect", { reference: true }) as ivm.Reference<() => string>;
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

	async start(input: string): Promise<string> {
		await this.#start.apply(undefined, [input]);
		return this.#said();
	}

	async answer(call: number, isWell: boolean, value: string, nowMs: number): Promise<string> {
		await this.#answer.apply(undefined, [call, isWell, value, nowMs]);
		return this.#said();
	}

	release(): void {
		for (const each of [this.#start, this.#answer, this.#collect, this.#context]) each.release();
	}

	/** After the promises of a turn have settled, which is when `apply` has returned. Only the driver's own code runs. */
	#said(): string {
		const out = this.#collect.applySync(undefined, []);
		if (typeof out !== "string" || out.length > runLimits.turn)
			throw new RangeError("it said more than 4 MB in one go");
		return out;
	}
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
