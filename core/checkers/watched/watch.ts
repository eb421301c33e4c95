/** errd: the processes and services of one module are counted at fixed times, and what is missing is acted upon (spec/02 §9). */
import { isDeepStrictEqual } from "node:util";
import type { Alarm, Clock } from "../../engine/clock.ts";
import type { ErrdSettings, ProcSettings } from "../../module/settings/errd.ts";
import { WatchedProc } from "./proc.ts";
import type { ServiceState } from "./system.ts";
import type { Look, ProcessTable } from "./table.ts";

export type WatchAction = "restart" | "stopstart" | "stop";

export interface WatchOptions {
	clock: Clock;
	table: ProcessTable;
	set(resource: string, value: string): void;
	log(level: "E" | "I" | "W", text: string): void;
	/** Gives the module a command; `services`: a restart of these only. False: refused. */
	act(action: WatchAction, services: string | null): boolean;
	/** Runs a special handler of the module; true: it has repaired what was wrong. */
	handle(handler: string, resource: string): Promise<boolean>;
}

/** One line of `errd list`. */
export interface WatchedView {
	name: string;
	service: boolean;
	class: string;
	enabled: boolean;
	action: string;
	value: string;
}

type Verdict = "right" | "few" | "many" | "unknown";

/** What start_X leaves running has at least this time to be seen under its own name. */
const youngMs = 1000;
/** A command that was given and led to nothing is given again after this time. */
const patienceMs = 60_000;
const strength: Record<WatchAction, number> = { restart: 1, stopstart: 2, stop: 3 };

export class Watch {
	readonly #options: WatchOptions;
	readonly #classes = new Set<string>();
	#procs: WatchedProc[] = [];
	#settings: ErrdSettings = { pollMs: 30_000, procs: [] };
	#on: boolean;
	#timer: Alarm | undefined;
	#looking = false;
	#detached = false;
	/** Resources that a look has spoken of since they are watched, and those that were wrong at the last one. */
	readonly #known = new Set<string>();
	readonly #wrong = new Set<string>();
	/** When the last command was given; null: none since the module began something. */
	#actedMs: number | null = null;

	constructor(options: WatchOptions, settings: ErrdSettings | null, on: boolean) {
		this.#options = options;
		this.#on = on;
		this.#take(settings);
	}

	/** Classes that are enabled now. */
	get classes(): string[] {
		return [...this.#classes];
	}

	/** Goes on with what an earlier daemon watched; no resource is touched before the next look. */
	resume(classes: readonly string[]): void {
		for (const each of classes) this.#classes.add(each);
		for (const proc of this.#procs) {
			proc.skip = 0;
			if (this.#isWatched(proc.settings)) this.#known.add(proc.settings.resource);
		}
		this.#arm();
	}

	/** The module does not run. */
	clear(): void {
		for (const { settings } of this.#procs) this.#options.set(settings.resource, "init");
	}

	/** Begins or ends watching a class. Done twice it does nothing. */
	enable(name: string, on: boolean): void {
		if (this.#classes.has(name) === on) return;
		if (on) this.#classes.add(name);
		else this.#classes.delete(name);
		this.#actedMs = null;
		for (const proc of this.#procs) if (proc.settings.class === name) proc.skip = proc.settings.skippedLooks;
		this.#begin();
	}

	/** The module stops: classes that were enabled by hand go with it. */
	disableAll(): void {
		for (const name of this.classes) this.enable(name, false);
	}

	/** `safekit errd on|off`. */
	switch(on: boolean): void {
		if (this.#on === on) return;
		this.#on = on;
		this.#begin();
	}

	reconfigure(settings: ErrdSettings | null): void {
		this.#take(settings);
		this.#begin();
	}

	detach(): void {
		this.#detached = true;
		this.#timer?.cancel();
	}

	view(value: (resource: string) => string): WatchedView[] {
		return this.#procs.map(({ settings }) => ({
			name: settings.name,
			service: settings.service,
			class: settings.class,
			enabled: this.#isWatched(settings),
			action: typeof settings.action === "string" ? settings.action : settings.action.handler,
			value: value(settings.resource),
		}));
	}

	/** Procs that did not change keep what they know. */
	#take(settings: ErrdSettings | null): void {
		const before = this.#procs;
		this.#settings = settings ?? { pollMs: this.#settings.pollMs, procs: [] };
		this.#procs = this.#settings.procs.flatMap((one) => {
			const same = before.find((old) => isDeepStrictEqual(old.settings, one));
			return same === undefined ? this.#proc(one) : [same];
		});
	}

	#proc(settings: ProcSettings): WatchedProc[] {
		try {
			return [new WatchedProc(settings, this.#options.table.shortened(settings.name))];
		} catch (error) {
			this.#options.log("E", `${settings.resource} is not watched: ${(error as Error).message}`);
			return [];
		}
	}

	#isWatched(settings: ProcSettings): boolean {
		return this.#on && this.#classes.has(settings.class);
	}

	/** What is not watched, or was not looked at since, says nothing of its processes. */
	#begin(): void {
		for (const resource of new Set(this.#procs.map(({ settings }) => settings.resource))) {
			const sharing = this.#procs.filter(({ settings }) => settings.resource === resource);
			const watched = sharing.some(({ settings }) => this.#isWatched(settings));
			if (watched && this.#known.has(resource)) continue;
			this.#known.delete(resource);
			this.#wrong.delete(resource);
			const enabled = sharing.some(({ settings }) => this.#classes.has(settings.class));
			this.#options.set(resource, !watched && enabled ? "unknown" : "init");
		}
		this.#arm();
	}

	/** Modules with one poll time look at the same moments, and share the look. */
	#arm(): void {
		this.#timer?.cancel();
		if (this.#detached || !this.#procs.some(({ settings }) => this.#isWatched(settings))) return;
		const { pollMs } = this.#settings;
		const { clock } = this.#options;
		const earliestMs = clock.nowMs() + Math.min(youngMs, pollMs / 2);
		const dueMs = Math.ceil(earliestMs / pollMs) * pollMs;
		this.#timer = clock.after(dueMs - clock.nowMs(), () => void this.#lookAndArm());
	}

	async #lookAndArm(): Promise<void> {
		this.#arm();
		if (this.#looking) return;
		this.#looking = true;
		try {
			await this.look();
		} catch (error) {
			this.#options.log("W", `The processes of this server could not be read: ${(error as Error).message}`);
		} finally {
			this.#looking = false;
		}
	}

	/** Counts everything that is watched, once. */
	async look(): Promise<void> {
		const due = this.#procs.filter((proc) => this.#isWatched(proc.settings) && proc.skip-- <= 0 && !proc.handling);
		if (due.length === 0) return;
		const names = due.flatMap(({ settings }) => (settings.service ? [settings.name] : []));
		const [look, services] = await Promise.all([
			due.length > names.length ? this.#options.table.look() : null,
			names.length > 0 ? this.#options.table.services(names) : new Map<string, ServiceState>(),
		]);
		// While it was looked, the class may have been disabled, and the processes stopped on purpose.
		const verdicts = due
			.filter((proc) => !this.#detached && this.#isWatched(proc.settings))
			.map((proc) => ({ proc, verdict: verdictOf(proc, look, services) }));
		this.#show(verdicts);
		this.#act(verdicts.filter(({ verdict }) => verdict === "few" || verdict === "many").map(({ proc }) => proc));
	}

	/** Of several procs with one name the worst counts. */
	#show(verdicts: { proc: WatchedProc; verdict: Verdict }[]): void {
		const values = new Map<string, string>();
		for (const { proc, verdict } of verdicts) {
			const { resource, name, service } = proc.settings;
			const wrong = verdict === "few" || verdict === "many";
			if (wrong) values.set(resource, "down");
			else if (values.get(resource) !== "down") values.set(resource, verdict === "unknown" ? "unknown" : "up");
			const what = service ? "Service" : "Process";
			if (verdict === "few" && !this.#wrong.has(resource)) this.#options.log("E", `${what} ${name} not running`);
			if (verdict === "many" && !this.#wrong.has(resource))
				this.#options.log("E", `${what} ${name} is running, and atmax is ${proc.settings.atMost}`);
		}
		for (const [resource, value] of values) {
			this.#known.add(resource);
			if (value === "down") this.#wrong.add(resource);
			else this.#wrong.delete(resource);
			this.#options.set(resource, value);
		}
	}

	/** One command for all that is wrong: the strongest. A restart is limited only if all of them are. */
	#act(wrong: WatchedProc[]): void {
		for (const proc of wrong) {
			const { action, resource } = proc.settings;
			if (typeof action !== "string") void this.#handle(proc, action.handler, resource);
		}
		const commands = wrong.flatMap(({ settings: { action, restartServices } }) =>
			typeof action === "string" && action !== "noaction" ? [{ action, restartServices }] : [],
		);
		const [strongest] = commands.sort((a, b) => strength[b.action] - strength[a.action]);
		if (strongest === undefined) return;
		const limits = commands.map(({ restartServices }) => restartServices);
		const limited = strongest.action === "restart" && limits.every((each) => each !== null);
		this.#give(strongest.action, limited ? joined(limits as string[]) : null);
	}

	#give(action: WatchAction, services: string | null): void {
		const nowMs = this.#options.clock.nowMs();
		if (this.#actedMs !== null && nowMs - this.#actedMs < patienceMs) return;
		if (this.#options.act(action, services)) this.#actedMs = nowMs;
	}

	async #handle(proc: WatchedProc, handler: string, resource: string): Promise<void> {
		proc.handling = true;
		try {
			if (!(await this.#options.handle(handler, resource)) && this.#isWatched(proc.settings))
				this.#give("stopstart", null);
		} finally {
			proc.handling = false;
		}
	}
}

function verdictOf(proc: WatchedProc, look: Look | null, services: Map<string, ServiceState>): Verdict {
	const { service, name } = proc.settings;
	if (!service) return look === null ? "unknown" : proc.verdict(proc.count(look));
	const state = services.get(name) ?? "unknown";
	return state === "unknown" ? "unknown" : proc.verdict(state === "running" ? 1 : 0);
}

/** Each service once, in the order of the file. */
function joined(lists: string[]): string {
	return [...new Set(lists.flatMap((list) => list.split(",").map((each) => each.trim())))].filter(Boolean).join(", ");
}
