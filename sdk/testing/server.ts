/** One simulated server, as tests of modules see it. */

import { refusal } from "../../core/cli/actions.ts";
import type { CommandEvent, CommandName, MainState, Status } from "../../core/engine/contract.ts";
import { millisecondsOf, type Time, timeInWords } from "./duration.ts";
import type { Repeat } from "./scripted/behaviour.ts";
import { ScriptedWorld } from "./scripted/world.ts";
import { Machine, type Site } from "./simulation/machine.ts";
import type { ScriptRun } from "./simulation/scripts.ts";

/**
 * A state as `safekit state` shows it; alone it means that the server is `Ready` in it (STOP, WAIT: `NotReady`).
 *
 * @example
 * await n2.becomes("SECOND");
 * await n2.becomes("SECOND Transient"); // the data is being copied
 */
export type StateText = MainState | `${MainState} ${Status}`;

/**
 * How long a test waits for something.
 *
 * @example
 * await n2.becomes("ALONE", { within: "30s" });
 */
export interface Within {
	/** Virtual time after which the test fails. Default: `"10m"`. */
	within?: Time;
}

/**
 * How a command is given.
 *
 * @example
 * await n1.restart({ identity: "mychecker" });
 */
export interface CommandOptions {
	/** As a script or a checker gives it (`-i`): it counts towards maxloop. */
	identity?: string;
	/** `prim fullsync`, `second fullsync`. */
	fullsync?: boolean;
	/** `restart` of these services only. */
	services?: string;
}

const usualWithin = "10m";
const answerWithinMs = 30_000;

/**
 * One of the servers. What is scripted here (`http`, `tcp`, `program`, `file`, `address`) counts on this server only.
 *
 * @example
 * const { n1, n2 } = await cluster();
 * await n1.start();
 * await n1.becomes("ALONE");
 */
export class Server extends ScriptedWorld {
	readonly #machine: Machine;

	/** @internal Made by `cluster()`. */
	constructor(site: Site, name: string, peer: () => Server | undefined) {
		super();
		const machineOf = (server: Server | undefined): Machine | null => (server === undefined ? null : server.#machine);
		this.#machine = new Machine(site, { name, peer: () => machineOf(peer()), world: this });
	}

	/** `n1`, `n2` and so on. */
	get name(): string {
		return this.#machine.name;
	}

	/** The main state; null: the server has no power. */
	get state(): MainState | null {
		return this.#machine.view()?.main ?? null;
	}

	get status(): Status | null {
		return this.#machine.view()?.status ?? null;
	}

	/** The sentence that `safekit state` shows; null: the server has no power. */
	get why(): string | null {
		return this.#machine.view()?.why ?? null;
	}

	/** The virtual addresses of the module are set on this server. */
	get hasAddress(): boolean {
		return this.#machine.hasAddress;
	}

	/**
	 * The share of the clients that this server of a farm answers, in percent: by the name of the group and the number of
	 * the rule in it, from 0. A resource of the same name shows it too (see `shows`).
	 * @throws TypeError when the module has no such rule.
	 * @example
	 * assert.equal(n1.load("FarmProto_0"), 50);
	 */
	load(rule: string): number {
		const rules = (this.#machine.site.module.configuration.vip?.balancing ?? []).flatMap(({ name, rules: of }) =>
			of.map((_, index) => `${name}_${index}`),
		);
		if (!rules.includes(rule))
			throw new TypeError(`There is no rule '${rule}'; there are ${rules.join(", ") || "none"}.`);
		return Number.parseFloat((this.state && this.resource(rule)) || "0");
	}

	/** Errors that count towards maxloop now. */
	get errors(): number {
		return this.#machine.view()?.loop.count ?? 0;
	}

	/** The value of a resource, such as `custom.web` or `rfs.uptodate`; null: there is none. */
	resource(name: string): string | null {
		return this.#machine.runtime.resources.get(name)?.value ?? null;
	}

	/** Sets a resource, as `safekit set -r NAME -v VALUE` does. */
	set(name: string, value: string): void {
		this.#machine.site.timeline.add(this.name, "world", `set ${name} = ${value}`);
		this.#machine.runtime.setResource(name, value, "test");
	}

	/**
	 * Gives a command as an administrator does, and waits for its answer (virtual time passes).
	 * @throws SafekitError when the module refuses it, with what to do instead.
	 */
	async command(command: CommandName, options: CommandOptions = {}): Promise<void> {
		const { clock, timeline } = this.#machine.site;
		const { identity, ...more } = options;
		timeline.add(this.name, "command", [command, identity === undefined ? "" : `(by ${identity})`].join(" ").trim());
		const order: Omit<CommandEvent, "type" | "request"> = {
			command,
			who: identity ?? "root",
			...(identity === undefined ? {} : { identity }),
			...more,
		};
		const { answered, refusedAtOnce } = this.#machine.runtime.command(order);
		let over = identity !== undefined;
		let refused = refusedAtOnce();
		void answered.then((answer) => {
			over = true;
			refused = answer;
		});
		await clock.pass(clock.nowMs() + answerWithinMs, () => over);
		if (refused !== null) throw refusal(refused);
	}

	/** `safekit start`. */
	start(options?: CommandOptions): Promise<void> {
		return this.command("start", options);
	}

	/** `safekit stop`. */
	stop(options?: CommandOptions): Promise<void> {
		return this.command("stop", options);
	}

	/** `safekit restart`: the scripts only, in place. */
	restart(options?: CommandOptions): Promise<void> {
		return this.command("restart", options);
	}

	/** `safekit stopstart`: stops and starts; the other server may take over meanwhile. */
	stopstart(options?: CommandOptions): Promise<void> {
		return this.command("stopstart", options);
	}

	/** `safekit swap`: the primary and the secondary change places. */
	swap(): Promise<void> {
		return this.command("swap");
	}

	/** `safekit prim`: this server's data counts. */
	prim(options?: CommandOptions): Promise<void> {
		return this.command("prim", options);
	}

	/** `safekit second`: this server follows. */
	second(options?: CommandOptions): Promise<void> {
		return this.command("second", options);
	}

	/**
	 * Lets time pass until the server is in a state; none if it is already.
	 * @throws Error when it is not within the time, with the state in which it is and why.
	 * @example
	 * await n2.becomes("ALONE", { within: "30s" });
	 */
	async becomes(state: StateText, { within = usualWithin }: Within = {}): Promise<void> {
		const { clock } = this.#machine.site;
		const reached = await clock.pass(clock.nowMs() + millisecondsOf(within), () => this.#isIn(state));
		if (reached) return;
		const now = this.state === null ? "it has no power" : `it is ${this.state} ${this.status}: ${this.why}`;
		throw new Error(`${this.name} did not become ${state} within ${timeInWords(millisecondsOf(within))}: ${now}`);
	}

	#isIn(text: StateText): boolean {
		const [state, status = state === "STOP" || state === "WAIT" ? "NotReady" : "Ready"] = text.split(" ");
		return this.state === state && this.status === status;
	}

	/**
	 * Lets time pass until a resource has a value; none if it has it already.
	 * @example
	 * await n1.shows("custom.web", "down", { within: "20s" });
	 */
	async shows(resource: string, value: string, { within = usualWithin }: Within = {}): Promise<void> {
		const { clock } = this.#machine.site;
		const limitMs = millisecondsOf(within);
		if (await clock.pass(clock.nowMs() + limitMs, () => this.state !== null && this.resource(resource) === value))
			return;
		const now = this.state === null ? "it has no power" : `it is ${this.resource(resource) ?? "not there"}`;
		throw new Error(`${resource} on ${this.name} was not ${value} within ${timeInWords(limitMs)}: ${now}`);
	}

	/**
	 * Lets time pass until a script has run to its end (once more than when this was called).
	 * @example
	 * await n1.runs("start_prim", { within: "1m" });
	 */
	async runs(script: string, { within = usualWithin }: Within = {}): Promise<void> {
		const { clock } = this.#machine.site;
		const ended = (): number => this.scriptRuns(script).filter(({ endedMs }) => endedMs !== null).length;
		const before = ended();
		const limitMs = millisecondsOf(within);
		if (await clock.pass(clock.nowMs() + limitMs, () => ended() > before)) return;
		throw new Error(
			`${script} did not run on ${this.name} within ${timeInWords(limitMs)}: it is ${this.state}: ${this.why}`,
		);
	}

	/** Every run of a script until now (of all scripts without a name), oldest first. */
	scriptRuns(script?: string): readonly ScriptRun[] {
		return this.#machine.scripts.runs.filter((run) => script === undefined || run.script === script);
	}

	/** What a script of the module does; until a test says otherwise it is only recorded, takes 200 ms and ends with 0. */
	script(name: string): ServerScript {
		return new ServerScript(this.#machine, name);
	}

	/** A process that `<errd>` watches, or that checkers look for. */
	process(name: string): ServerProcess {
		return new ServerProcess(this.#machine, name, false);
	}

	/** A service that `<errd>` watches, or that checkers look for. */
	service(name: string): ServerProcess {
		return new ServerProcess(this.#machine, name, true);
	}

	/** The server goes off at once: nothing is stopped, nobody is told. */
	losesPower(): void {
		this.#machine.site.timeline.add(this.name, "world", "the server loses power");
		this.#machine.powerLoss();
	}

	/** The server boots; whether the module starts then is up to `boot` in userconfig.xml. */
	async getsPower(): Promise<void> {
		this.#machine.site.timeline.add(this.name, "world", "the server boots");
		await this.#machine.powerOn(false);
	}

	/** The cable of a network (of all of them) is pulled out of this server; its own programs reach each other. */
	losesNetwork(lan?: string): void {
		const { lans, network, group, timeline } = this.#machine.site;
		const meant = lans.meant(lan);
		timeline.add(this.name, "world", `the server loses its network: ${meant.join(", ")}`);
		lans.unplug(meant, this.name);
		network.lansChanged();
		group.wake();
	}

	/** The cable is plugged in again. */
	getsNetwork(lan?: string): void {
		const { lans, network, group, timeline } = this.#machine.site;
		const meant = lans.meant(lan);
		timeline.add(this.name, "world", `the server gets its network: ${meant.join(", ")}`);
		lans.plug(meant, this.name);
		network.lansChanged();
		group.wake();
	}

	/** @internal */
	configure(): Promise<void> {
		return this.#machine.powerOn(true);
	}

	/** @internal */
	networkChanged(): void {
		if (this.#machine.powered) this.#machine.replica.networkChanged();
	}

	/** @internal */
	close(): void {
		if (this.#machine.powered) this.#machine.powerLoss();
	}
}

/**
 * What a script does.
 *
 * @example
 * n1.script("start_prim").takes("20s");
 * n1.script("stop_prim").exits(1, { times: 1 });
 */
export class ServerScript {
	readonly #machine: Machine;
	readonly #name: string;

	/** @internal */
	constructor(machine: Machine, name: string) {
		this.#machine = machine;
		this.#name = name;
	}

	/** How long it takes, virtual time. */
	takes(time: Time): this {
		this.#machine.plan(this.#name).tookMs = millisecondsOf(time);
		return this;
	}

	/** Its exit code. By itself that triggers nothing: a script says that it failed through a command (see `does`). */
	exits(code: number, options: Repeat = {}): this {
		this.#machine.plan(this.#name).exits.set(code, options);
		return this;
	}

	/**
	 * What happens when it ends, such as the command that it gives; it is not waited for with `becomes` and the like.
	 * @example
	 * n1.script("start_prim").exits(1).does(() => n1.stop({ identity: "start_prim" }));
	 */
	does(what: (run: ScriptRun) => void | Promise<void>): this {
		this.#machine.plan(this.#name).does = what;
		return this;
	}

	/**
	 * Really runs the file of the module's bin/ on this machine, with the environment that scripts have; `$SAFE/safekit`
	 * speaks to the simulated server. Virtual time stands still meanwhile; after a minute it is killed. What the script
	 * does to this machine, it does: services are started and stopped.
	 */
	isReallyRun(): this {
		this.#machine.plan(this.#name).real = true;
		return this;
	}
}

/**
 * A process or a service of a server.
 *
 * @example
 * n1.process("postgres").dies();
 * n1.service("nginx").doesNotStart();
 */
export class ServerProcess {
	readonly #machine: Machine;
	readonly #name: string;
	readonly #service: boolean;

	/** @internal */
	constructor(machine: Machine, name: string, service: boolean) {
		this.#machine = machine;
		this.#name = name;
		this.#service = service;
	}

	/** It ends; the next start script brings it back. */
	dies(): this {
		return this.#set({ count: 0 }, "dies");
	}

	/** It ends, and start scripts do not bring it back until `runs`. */
	doesNotStart(): this {
		return this.#set({ count: 0, broken: true }, "does not start any more");
	}

	/** It runs, so many times. `arguments`: the whole command line, where the configuration looks at it. */
	runs(count = 1, options: { arguments?: string } = {}): this {
		return this.#set({ count, broken: false, ...options }, count === 1 ? "runs" : `runs ${count} times`);
	}

	#set(change: Parameters<Machine["application"]["set"]>[2], what: string): this {
		const { site, name, application } = this.#machine;
		site.timeline.add(name, "world", `${this.#service ? "service" : "process"} ${this.#name} ${what}`);
		application.set(this.#name, this.#service, change);
		return this;
	}
}
