/** The checkers of one module on this node: which run, and what they find out (spec/02 §10). */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../engine/clock.ts";
import type { CheckerMoment, CheckerSettings } from "../module/settings/checkers.ts";
import { isTypeScriptChecker } from "../sandbox/sources.ts";
import type { ProcessIdentity } from "../scripts/system.ts";
import { CustomChecker, type ProgramHands } from "./custom.ts";
import { Pace } from "./pace.ts";
import type { Verdict } from "./probe.ts";
import type { Test } from "./probes/index.ts";
import { TypeScriptChecker, type TypeScriptHands } from "./typescript.ts";

export interface CheckersOptions {
	clock: Clock;
	/** What is repeated for a checker, and how often; null: it is no test. */
	test(settings: CheckerSettings): Test | null;
	/** The program of a custom checker. */
	program(settings: Extract<CheckerSettings, { kind: "custom" }>): ProgramHands;
	/** The sandbox of a custom checker in TypeScript. A SafekitError when its files are no checker. */
	typescript(settings: Extract<CheckerSettings, { kind: "custom" }>): TypeScriptHands | Promise<TypeScriptHands>;
	/** Sets a resource of the module; `by` is the component that the log names. */
	set(resource: string, value: string, by: string): void;
	log(origin: string, level: "E" | "W" | "I", text: string): void;
	/** A module that this one depends on was restarted. False: this one cannot begin anew now, and is asked again. */
	otherRestarted(): boolean;
	/** `programs` or `runs` has changed. */
	changed(): void;
}

/** What of the checkers a next daemon has to know, by resource. */
export interface CheckersNote {
	/** Programs of custom checkers. */
	programs: Record<string, ProcessIdentity>;
	/** Which run of another module was seen last. */
	runs: Record<string, string>;
}

interface Active {
	settings: CheckerSettings;
	pace: Pace | null;
	custom: CustomChecker | TypeScriptChecker | null;
}

/** As the documented log names the component (spec/10 §4). */
export function componentOf(kind: CheckerSettings["kind"]): string {
	return kind === "custom" ? "customcheck" : `${kind}check`;
}

export class Checkers {
	readonly #options: CheckersOptions;
	readonly #moments = new Set<CheckerMoment>();
	readonly #active = new Map<string, Active>();
	/** What ends still: a next program of the same checker starts after it. */
	readonly #ending = new Map<string, Promise<void>>();
	readonly #values = new Map<string, boolean>();
	readonly #warnings = new Map<string, string>();
	#settings: readonly CheckerSettings[];
	#on: boolean;
	note: CheckersNote;

	constructor(options: CheckersOptions, settings: readonly CheckerSettings[], on: boolean, note?: CheckersNote) {
		this.#options = options;
		this.#settings = settings;
		this.#on = on;
		this.note = note ?? { programs: {}, runs: {} };
	}

	/** Goes on with what an earlier daemon had started; no resource is touched before the next test has spoken. */
	async resume(moments: readonly CheckerMoment[]): Promise<void> {
		for (const moment of moments) this.#moments.add(moment);
		const left = new Map(Object.entries(this.note.programs));
		for (const settings of this.#settings) {
			if (!this.#on || !this.#moments.has(settings.when)) continue;
			this.#run(settings, left.get(settings.resource) ?? null);
			left.delete(settings.resource);
		}
		await this.#sweep(new Set(this.#active.keys()));
	}

	/** Nothing of an earlier run may be left: the module does not run. */
	async clear(): Promise<void> {
		for (const { resource, kind } of this.#settings) this.#options.set(resource, "init", componentOf(kind));
		await this.#sweep(new Set());
	}

	/** Starts or stops the checkers of one moment. Done twice it does nothing. Resolves when no program is left. */
	async enable(moment: CheckerMoment, on: boolean): Promise<void> {
		if (this.#moments.has(moment) === on) return;
		if (on) this.#moments.add(moment);
		else this.#moments.delete(moment);
		await this.#apply();
	}

	/** `safekit checker on|off`. */
	async switch(on: boolean): Promise<void> {
		if (this.#on === on) return;
		this.#on = on;
		await this.#apply();
	}

	/** Checkers that did not change run on undisturbed. */
	async reconfigure(settings: readonly CheckerSettings[]): Promise<void> {
		this.#settings = settings;
		await this.#apply();
	}

	/** Programs run on, everything else stops without a word. */
	detach(): void {
		for (const { pace, custom } of this.#active.values()) {
			pace?.stop();
			custom?.detach();
		}
		this.#active.clear();
	}

	/** What the witness of a split brain answered. */
	witness(reachable: boolean): void {
		for (const { kind, resource } of this.#settings) {
			if (kind === "splitbrain") this.#options.set(resource, reachable ? "up" : "down", componentOf(kind));
		}
	}

	/** Makes what runs what should run. */
	async #apply(): Promise<void> {
		const wanted = new Map(this.#settings.map((one) => [one.resource, one]));
		// What tests differently from now on keeps its value until it has tested.
		const tested = new Set(this.#active.keys());
		const stopped = [...this.#active].flatMap(([resource, { settings }]) => {
			const now = wanted.get(resource);
			const stays = now !== undefined && this.#runs(now) && isDeepStrictEqual(now, settings);
			return stays ? [] : [this.#stop(resource)];
		});
		for (const settings of this.#settings) {
			const { resource, kind } = settings;
			// A witness is asked when the servers lose each other, and its last answer stays to be seen.
			if (this.#active.has(resource) || kind === "splitbrain") continue;
			const value = this.#moments.has(settings.when) && !this.#on ? "unknown" : "init";
			const runs = this.#runs(settings);
			if (!runs || !tested.has(resource)) this.#options.set(resource, value, componentOf(kind));
			if (runs) this.#run(settings);
		}
		await Promise.all(stopped);
	}

	#runs({ when }: CheckerSettings): boolean {
		return this.#on && this.#moments.has(when);
	}

	/** `noted`: what may be left of its program, after a restart of the daemon. */
	#run(settings: CheckerSettings, noted?: ProcessIdentity | null): void {
		const { resource, kind } = settings;
		const test = this.#options.test(settings);
		const active: Active = { settings, pace: null, custom: null };
		this.#active.set(resource, active);
		if (test !== null) {
			active.pace = new Pace({ ...test, clock: this.#options.clock, told: (verdict) => this.#told(settings, verdict) });
		} else if (kind === "custom" && isTypeScriptChecker(settings.exec)) {
			active.custom = this.#typescript(settings);
		} else if (kind === "custom") {
			const ending = this.#ending.get(resource) ?? Promise.resolve();
			if (noted !== undefined) active.custom = this.#custom(settings, noted);
			else void ending.then(() => this.#startLater(active, settings));
		}
	}

	/** What was stopped just now has ended; whether it is still wanted may have changed meanwhile. */
	#startLater(active: Active, settings: Extract<CheckerSettings, { kind: "custom" }>): void {
		if (this.#active.get(settings.resource) === active) active.custom = this.#custom(settings);
	}

	#typescript(settings: Extract<CheckerSettings, { kind: "custom" }>): TypeScriptChecker {
		const { resource, args } = settings;
		const by = componentOf("custom");
		return new TypeScriptChecker({
			...{ resource, args, clock: this.#options.clock },
			hands: () => this.#options.typescript(settings),
			set: (value) => this.#options.set(resource, value, by),
			log: (level, text) => this.#options.log(by, level, text),
		});
	}

	#custom(settings: Extract<CheckerSettings, { kind: "custom" }>, noted?: ProcessIdentity | null): CustomChecker {
		const { resource, exec } = settings;
		const options = {
			clock: this.#options.clock,
			hands: this.#options.program(settings),
			log: (level: "E" | "I", text: string) =>
				this.#options.log(componentOf("custom"), level, `Checker ${exec} of ${resource} ${text}`),
			runs: (program: ProcessIdentity | null) => {
				if (program === null) delete this.note.programs[resource];
				else this.note.programs[resource] = program;
				this.#options.changed();
			},
		};
		return new CustomChecker(options, noted);
	}

	#stop(resource: string): Promise<void> {
		const active = this.#active.get(resource);
		this.#active.delete(resource);
		this.#values.delete(resource);
		this.#warnings.delete(resource);
		delete this.note.runs[resource];
		active?.pace?.stop();
		const custom = active?.custom;
		if (!custom) return Promise.resolve();
		const ended = custom.stop().finally(() => {
			if (this.#ending.get(resource) === ended) this.#ending.delete(resource);
			// What it said while it was being ended counts no more.
			const settings = this.#settings.find((one) => one.resource === resource);
			if (settings !== undefined && !this.#runs(settings)) {
				const value = this.#moments.has(settings.when) ? "unknown" : "init";
				this.#options.set(resource, value, componentOf("custom"));
			}
		});
		this.#ending.set(resource, ended);
		return ended;
	}

	#told({ resource, kind }: CheckerSettings, { up, why, warning = "", run }: Verdict): void {
		const by = componentOf(kind);
		const before = this.#values.get(resource);
		this.#values.set(resource, up);
		this.#options.set(resource, up ? "up" : "down", by);
		if (before !== up && !(up && before === undefined)) this.#options.log(by, "I", `${resource}: ${why}`);
		if (warning !== "" && this.#warnings.get(resource) !== warning) this.#options.log(by, "W", warning);
		this.#warnings.set(resource, warning);
		if (run === undefined || this.note.runs[resource] === run) return;
		// Not noted before it is carried out: what is refused because the module is busy comes with the next answer.
		if (this.note.runs[resource] !== undefined && !this.#options.otherRestarted()) return;
		this.note.runs[resource] = run;
		this.#options.changed();
	}

	/** Ends programs that an earlier daemon left and that no checker has now. Found at once, before a next one starts. */
	async #sweep(kept: ReadonlySet<string>): Promise<void> {
		const ended = this.#settings.flatMap((settings) => {
			const { resource } = settings;
			if (settings.kind !== "custom" || kept.has(resource)) return [];
			const hands = this.#options.program(settings);
			const found = hands.adopt(this.note.programs[resource] ?? null);
			delete this.note.programs[resource];
			if (found === null) return [];
			const ending = hands.end(found).finally(() => this.#ending.delete(resource));
			this.#ending.set(resource, ending);
			return [ending];
		});
		this.#options.changed();
		await Promise.all(ended);
	}
}
