/**
 * Everything that watches one module on this node: its checkers, its processes and services. Follows the steps of the
 * module's plans, the switches `checker` and `errd`, and a new daemon takes up what the one before it had started
 * (`$SAFEVAR/run/monitoring-AM.json`, which counts in the same run of the system only).
 */
import { readFileSync } from "node:fs";
import { Checkers, type CheckersNote, type CheckersOptions } from "../checkers/checkers.ts";
import type { ProcessTable } from "../checkers/watched/table.ts";
import { Watch, type WatchAction, type WatchedView } from "../checkers/watched/watch.ts";
import type { Clock } from "../engine/clock.ts";
import type { WatchClass } from "../engine/contract.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import type { CheckerMoment } from "../module/settings/checkers.ts";
import { automaticClasses } from "../module/settings/errd.ts";
import type { MonitoringHands } from "./hands.ts";
import { replaceFile } from "./stored.ts";

export interface MonitoringOptions {
	clock: Clock;
	configuration: ModuleConfiguration;
	file: string;
	incarnation: string;
	test: CheckersOptions["test"];
	table: ProcessTable;
	program: CheckersOptions["program"];
	typescript: CheckersOptions["typescript"];
	set(resource: string, value: string, by: string): void;
	value(resource: string): string;
	log(origin: string, level: "E" | "W" | "I", text: string): void;
	/** Gives the module a command in the name of a component. False: refused. */
	act(action: WatchAction, identity: string, services: string | null): boolean;
	handle(handler: string, resource: string): Promise<boolean>;
	/** `usersetting.checker` and `usersetting.errd`. */
	isOn(setting: "checker" | "errd"): boolean;
	/** The classes of the state in which the module stands; null while a plan runs, which changes them. */
	standing(): WatchClass[] | null;
	report(message: string, error?: unknown): void;
}

interface Note {
	incarnation: string;
	moments: CheckerMoment[];
	classes: string[];
	startedAt: string | null;
	checkers: CheckersNote;
}

/** A program that does not end holds a plan no longer than this; it is killed behind its back. */
const endsWithinMs = 3000;

export class Monitoring implements MonitoringHands {
	readonly #options: MonitoringOptions;
	readonly #checkers: Checkers;
	readonly #watch: Watch;
	readonly #note: Note | null;
	readonly #moments = new Set<CheckerMoment>();
	#configuration: ModuleConfiguration;
	#startedAt: string | null = null;
	#detached = false;

	constructor(options: MonitoringOptions) {
		const { configuration, table } = options;
		const set: MonitoringOptions["set"] = (...words) => (this.#detached ? undefined : options.set(...words));
		const log: MonitoringOptions["log"] = (...words) => (this.#detached ? undefined : options.log(...words));
		this.#options = options;
		this.#configuration = configuration;
		this.#note = readNote(options.file, options.incarnation);
		this.#checkers = new Checkers(
			{
				clock: options.clock,
				test: options.test,
				program: options.program,
				typescript: options.typescript,
				set,
				log,
				otherRestarted: () => options.act("stopstart", "modulecheck", null),
				changed: () => this.#store(),
			},
			configuration.checkers,
			options.isOn("checker"),
			this.#note?.checkers,
		);
		this.#watch = new Watch(
			{
				clock: options.clock,
				table,
				set: (resource, value) => set(resource, value, "errd"),
				log: (level, text) => log("errd", level, text),
				act: (action, services) => options.act(action, "errd", services),
				handle: options.handle,
			},
			configuration.errd,
			options.isOn("errd"),
		);
	}

	/** Since when the application runs here, as a date; null: it does not. Another date: it was started again. */
	get startedAt(): string | null {
		return this.#startedAt;
	}

	/**
	 * `running`: the module runs on, with what an earlier daemon had started. Which classes those are the module's state
	 * says; what was noted counts for what it does not say, and while a plan runs: the disk may have refused a note.
	 */
	takeUp(running: boolean): void {
		const standing = running ? this.#options.standing() : [];
		const noted = this.#note ?? { moments: [], classes: [], startedAt: null };
		const moments = standing === null ? noted.moments : standing.filter((each) => each !== "sec");
		if (moments.length === 0) {
			this.#watch.clear();
			void this.#checkers.clear().catch((error) => this.#failed(error));
			return;
		}
		for (const moment of moments) this.#moments.add(moment);
		const byHand = noted.classes.filter((name) => !automaticClasses.has(name));
		this.#watch.resume(standing === null ? noted.classes : [...standing, ...byHand]);
		if (moments.includes(this.#application)) this.#startedAt = noted.startedAt ?? this.#date();
		void this.#checkers.resume(moments).catch((error) => this.#failed(error));
	}

	/** The class whose start is that of the application. */
	get #application(): CheckerMoment {
		return this.#configuration.mode === "mirror" ? "prim" : "both";
	}

	/** A step of a plan: after start_X, before stop_X. With `pre`, which goes last, everything ends. */
	async step(watch: WatchClass, enable: boolean): Promise<void> {
		const moments: CheckerMoment[] =
			watch === "pre" && !enable ? ["pre", "prim", "second", "both"] : watch === "sec" ? [] : [watch];
		if (watch === this.#application) {
			if (!enable) this.#startedAt = null;
			else this.#startedAt ??= this.#date();
		}
		if (watch === "pre" && !enable) {
			this.#startedAt = null;
			this.#watch.disableAll();
		} else this.#watch.enable(watch, enable);
		const changes = moments.map((moment) => {
			if (enable) this.#moments.add(moment);
			else this.#moments.delete(moment);
			return this.#checkers.enable(moment, enable);
		});
		this.#store();
		await this.#within(Promise.all(changes));
	}

	#date(): string {
		return new Date(this.#options.clock.wallMs()).toISOString();
	}

	async #within(work: Promise<unknown>): Promise<void> {
		let late = (): void => {};
		const limit = this.#options.clock.after(endsWithinMs, () => late());
		await Promise.race([work, new Promise<void>((resolve) => (late = resolve))]).finally(() => limit.cancel());
	}

	/** The switches may have changed. */
	settingsChanged(): void {
		this.#watch.switch(this.#options.isOn("errd"));
		void this.#checkers.switch(this.#options.isOn("checker")).catch((error) => this.#failed(error));
	}

	/** A configuration was applied while the module runs; what did not change goes on undisturbed. */
	reconfigure(configuration: ModuleConfiguration): void {
		this.#configuration = configuration;
		this.#watch.reconfigure(configuration.errd);
		void this.#checkers.reconfigure(configuration.checkers).catch((error) => this.#failed(error));
	}

	/** What the witness of a split brain answered. */
	witness(reachable: boolean): void {
		this.#checkers.witness(reachable);
	}

	view(): WatchedView[] {
		return this.#watch.view(this.#options.value);
	}

	classes(): string[] {
		return [...new Set(this.#configuration.errd?.procs.map((one) => one.class) ?? [])];
	}

	/** `errd enable|disable`. */
	enable(name: string, on: boolean): void {
		this.#watch.enable(name, on);
		this.#store();
	}

	/** The daemon lets go of the module, which runs on. */
	detach(): void {
		this.#store();
		this.#detached = true;
		this.#watch.detach();
		this.#checkers.detach();
	}

	#failed(error: unknown): void {
		this.#options.report(`${this.#configuration.module}: checkers`, error);
	}

	#store(): void {
		if (this.#detached) return;
		const note: Note = {
			incarnation: this.#options.incarnation,
			moments: [...this.#moments],
			classes: this.#watch.classes,
			startedAt: this.#startedAt,
			checkers: this.#checkers.note,
		};
		try {
			replaceFile(this.#options.file, JSON.stringify(note), false);
		} catch (error) {
			this.#options.report(`${this.#configuration.module}: what is watched could not be noted`, error);
		}
	}
}

/** Null: nothing that counts in this run of the system. */
function readNote(file: string, incarnation: string): Note | null {
	try {
		const note = JSON.parse(readFileSync(file, "utf8")) as Note;
		return note.incarnation === incarnation && Array.isArray(note.moments) && Array.isArray(note.classes) ? note : null;
	} catch {
		return null;
	}
}
