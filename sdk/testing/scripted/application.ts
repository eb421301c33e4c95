/**
 * The application of a simulated server, as far as the module watches it: the processes and services of `<errd>` run
 * from the end of their start script to the end of their stop script, unless a test says otherwise.
 */
import type { ProcessSystem, ServiceState } from "../../../core/checkers/watched/system.ts";
import type { ModuleConfiguration } from "../../../core/module/configuration.ts";
import type { ProcSettings } from "../../../core/module/settings/errd.ts";
import { Ere } from "../../../core/schema/ere/ere.ts";

interface Running {
	count: number;
	arguments: string;
	service: boolean;
	/** Start scripts leave it as it is. */
	broken: boolean;
}

/** As Linux cuts the names of commands. */
const nameLimit = 15;

export class Application {
	readonly #procs: readonly ProcSettings[];
	readonly #running = new Map<string, Running>();

	/** `note`: what a person should know of what could not be made up. */
	constructor({ errd }: ModuleConfiguration, note: (text: string) => void) {
		this.#procs = errd?.procs ?? [];
		for (const proc of this.#procs) {
			const { argRegex, name, service } = proc;
			const made = argRegex === null ? commandOf(proc) : fitting(argRegex, commandOf(proc));
			this.#thing(commandOf(proc), service).arguments = made ?? "";
			if (made !== null) continue;
			const say = `n1.process("${name}").runs({ arguments: "…" })`;
			note(`no arguments could be made up that fit argregex="${argRegex}" of <proc name="${name}">; say them: ${say}`);
		}
	}

	/** A start script of this class has ended. */
	started(of: string): void {
		for (const proc of this.#procs.filter((each) => each.class === of)) {
			const thing = this.#thing(commandOf(proc), proc.service);
			if (!thing.broken) thing.count = Math.max(thing.count, wanted(proc));
		}
		// What only checkers look for is started by some script of the module.
		const watched = new Set(this.#procs.map((proc) => key(commandOf(proc), proc.service)));
		for (const [name, thing] of this.#running) {
			if (!watched.has(name) && !thing.broken) thing.count = Math.max(thing.count, 1);
		}
	}

	/** A stop script of this class has ended. */
	stopped(of: string): void {
		for (const proc of this.#procs.filter((each) => each.class === of)) {
			this.#thing(commandOf(proc), proc.service).count = 0;
		}
	}

	powerLoss(): void {
		for (const thing of this.#running.values()) thing.count = 0;
	}

	set(name: string, service: boolean, change: Partial<Running>): void {
		Object.assign(this.#thing(this.#known(name, service), service), change);
	}

	/** How many run; null: neither the module nor the test has spoken of it. */
	count(name: string, service: boolean): number | null {
		return this.#running.get(key(this.#known(name, service), service))?.count ?? null;
	}

	get system(): ProcessSystem {
		const all = (): [number, string, Running][] =>
			[...this.#running]
				.filter(([, { service }]) => !service)
				.flatMap(([name, thing], index) =>
					Array.from({ length: thing.count }, (_, nth): [number, string, Running] => {
						return [1000 + 100 * index + nth, name.slice(name.indexOf(" ") + 1), thing];
					}),
				);
		return {
			nameLimit,
			names: async () => new Map(all().map(([pid, name]) => [pid, name.slice(0, nameLimit)])),
			isRunning: () => true,
			argumentsOf: (pid) => all().find(([each]) => each === pid)?.[2].arguments ?? "",
			parentOf: () => null,
			signal: () => {},
			services: async (names) =>
				new Map(
					names.map((name): [string, ServiceState] => [name, this.count(name, true) === 0 ? "stopped" : "running"]),
				),
		};
	}

	/** `<proc>` may label a process otherwise than it is called; tests may use either. */
	#known(name: string, service: boolean): string {
		const proc = this.#procs.find((each) => each.service === service && each.name === name);
		return proc === undefined ? name : commandOf(proc);
	}

	#thing(name: string, service: boolean): Running {
		const known = this.#running.get(key(name, service));
		if (known !== undefined) return known;
		const made = { count: 0, arguments: name, service, broken: false };
		this.#running.set(key(name, service), made);
		return made;
	}
}

const key = (name: string, service: boolean): string => `${service ? "service" : "process"} ${name}`;

/** How many processes the configuration means to run. */
function wanted({ atLeast, atMost }: ProcSettings): number {
	return atLeast ?? (atMost === null ? 1 : 0);
}

function commandOf({ name, nameRegex }: ProcSettings): string {
	return nameRegex === null ? name : (fitting(nameRegex, name) ?? name);
}

/** A text that the expression fits: the usual one, or what is left of the expression without its signs; null: neither. */
function fitting(expression: string, usual: string): string | null {
	const ere = new Ere(expression);
	const plain = expression
		.replace(/\[\^[^\]]*\][*+]?|\.[*+]/g, "")
		.replace(/\\(.)/g, "$1")
		.replace(/[\^$]/g, "");
	const texts = [usual, plain, `${usual} ${plain}`, plain.replace(/[()|*+?]/g, "")];
	return texts.find((text) => ere.test(text)) ?? null;
}
