/** Runs the steps of a plan in order. Where it stands is stored before each step, so that a new daemon goes on there. */
import { randomUUID } from "node:crypto";
import type { Step } from "../engine/contract.ts";
import type { ReplicationFact, ReplicationOrder } from "../engine/replication.ts";
import { SafekitError } from "../errors.ts";
import type { UserConfiguration } from "../module/configuration.ts";
import type { RunningScript, ScriptRequest } from "../scripts/runner.ts";
import type { Hands, ReplicationHands } from "./hands.ts";
import type { StoredPlan } from "./stored.ts";

export interface PlanContext {
	module: string;
	user: () => UserConfiguration | null;
	hands: Hands;
	replication: ReplicationHands | null;
	log(origin: string, level: "C" | "E" | "U" | "S" | "I" | "W" | "D", text: string): void;
	/** Stores the plan as it now is; synchronous. */
	persist(): void;
	ended(plan: number, ok: boolean, failed?: string): void;
}

/** Variable in the environment of a plan's script that names this run of it. */
export const runVariable = "SAFERUN";

type Outcome = { ok: true } | { ok: false; failed: string };
const ok: Outcome = { ok: true };

/** Scripts that have to end in a given time: those that stop something (spec/03 §4). Others are never cut off. */
function timeoutOf(step: Extract<Step, { do: "script" }>, user: UserConfiguration): number | null {
	if (!/^(stop_|poststop)/.test(step.script)) return null;
	return step.force || step.script === "poststop" ? user.forceStopTimeoutMs : user.niceStopTimeoutMs;
}

export class PlanRunner {
	readonly stored: StoredPlan;
	readonly #context: PlanContext;
	#started = false;
	#aborted = false;
	#detached = false;
	#script: RunningScript | null = null;
	#waiting: {
		order: ReplicationOrder["order"];
		until: ReplicationFact["fact"];
		settle: (outcome: Outcome) => void;
	} | null = null;

	constructor(stored: StoredPlan, context: PlanContext) {
		this.stored = stored;
		this.#context = context;
	}

	/** Runs to the end; `ended` is called once, unless the plan was let go with `detach`. */
	async run(): Promise<void> {
		if (this.#started) return;
		this.#started = true;
		let outcome: Outcome = ok;
		for (const [index, step] of this.stored.steps.entries()) {
			if (index < this.stored.position) continue;
			if (this.#aborted || this.#detached) break;
			if (index !== this.stored.position) {
				this.stored.position = index;
				this.stored.run = null;
				this.stored.script = null;
				this.#context.persist();
			}
			outcome = await this.#step(step).catch((error: unknown): Outcome => {
				this.#context.hands.report(`step ${step.do} of ${this.#context.module} failed`, error);
				return { ok: false, failed: sentence(error) };
			});
			if (!outcome.ok) break;
		}
		if (this.#detached) return;
		if (this.#aborted) outcome = { ok: false, failed: "aborted" };
		this.#context.ended(this.stored.plan, outcome.ok, outcome.ok ? undefined : outcome.failed);
	}

	/** Kills the running script and drops what remains. */
	abort(): void {
		this.#aborted = true;
		this.#script?.kill();
		this.#waiting?.settle({ ok: false, failed: "aborted" });
	}

	/** The daemon stops: scripts run on, the next daemon takes the plan up. */
	detach(): void {
		this.#detached = true;
		this.#waiting?.settle({ ok: false, failed: "detached" });
	}

	/** A fact of the replication process, for a step that waits for one. */
	heard(fact: ReplicationFact): void {
		if (this.#waiting === null) return;
		if (fact.fact === this.#waiting.until) this.#waiting.settle(ok);
		else if (fact.fact === "failed" && fact.order === this.#waiting.order)
			this.#waiting.settle({ ok: false, failed: fact.message });
		else if (fact.fact === "died") this.#waiting.settle({ ok: false, failed: "the replication process died" });
	}

	/** Pid of the running script, which is also the session of all that it starts. */
	get scriptPid(): number | null {
		return this.#script?.pid ?? null;
	}

	async #step(step: Step): Promise<Outcome> {
		switch (step.do) {
			case "script":
				return await this.#runScript(step);
			case "vip":
				await this.#context.hands.vip(step.set);
				return ok;
			case "traffic":
				await this.#context.hands.traffic(step.open);
				return ok;
			case "announceVip":
				await this.#context.hands.announceVip();
				return ok;
			case "checkers":
				await this.#context.hands.monitoring?.step(step.class, step.enable);
				return ok;
			case "replication":
				return await this.#order(step);
			case "log":
				this.#context.log(step.origin, step.level, step.text);
				return ok;
		}
	}

	#order(step: Extract<Step, { do: "replication" }>): Promise<Outcome> {
		const replication = this.#context.replication;
		if (replication === null) return Promise.resolve(ok);
		return new Promise((resolve) => {
			this.#waiting = {
				order: step.order.order,
				until: step.until,
				settle: (outcome) => {
					this.#waiting = null;
					resolve(outcome);
				},
			};
			replication.give(step.order);
		});
	}

	async #runScript(step: Extract<Step, { do: "script" }>): Promise<Outcome> {
		const user = this.#context.user();
		if (user === null) return ok;
		const script =
			this.#adopt(step, user) ??
			(await this.#start(step, user).catch((error: unknown) => this.#notStarted(step, error)));
		if (script === null) return ok;
		this.#script = script;
		if (this.#aborted) script.kill();
		const result = await script.ended;
		this.#script = null;
		if (result.timedOut) {
			this.#context.log("userplug", "E", `Script ${step.script} did not end in time and was killed`);
		}
		// A script's exit code triggers nothing by itself (spec/09 §4): it says so through a command.
		return ok;
	}

	/** A script that cannot be started fails no plan: what it should have done shows in what comes after it. */
	#notStarted(step: Extract<Step, { do: "script" }>, error: unknown): null {
		const message = error instanceof Error ? error.message : String(error);
		this.#context.log("userplug", "E", `Script ${step.script} could not be started: ${message}`);
		return null;
	}

	/**
	 * The script of this step, if an earlier daemon started it; null if it did not. Of one that it had not noted yet the
	 * time begins anew.
	 */
	#adopt(step: Extract<Step, { do: "script" }>, user: UserConfiguration): RunningScript | null {
		const { hands } = this.#context;
		const lost = this.stored.script === null && this.stored.run !== null ? hands.scripts.find(this.stored.run) : null;
		if (lost !== null) {
			this.stored.script = { ...lost, userlog: null, killAtMs: this.#deadline(step, user) };
			this.#context.persist();
		}
		const stored = this.stored.script;
		if (stored === null) return null;
		const leftMs = stored.killAtMs === null ? null : stored.killAtMs - hands.nowMs();
		const { userlogSizeKb } = user;
		const script = hands.scripts.adopt({ ...stored, userlogSizeKb, overdue: leftMs !== null && leftMs <= 0 });
		if (script === null) return ended(stored.pid, stored.startTime, stored.userlog);
		if (leftMs !== null) {
			const timer = hands.after(leftMs, () => script.kill());
			void script.ended.finally(() => timer.cancel());
		}
		return script;
	}

	/** The run id is stored before the start and the pid right after: a daemon killed between finds the script by the id. */
	async #start(step: Extract<Step, { do: "script" }>, user: UserConfiguration): Promise<RunningScript | null> {
		const { hands, module } = this.#context;
		this.stored.run = randomUUID();
		this.#context.persist();
		const request: ScriptRequest = {
			module,
			script: step.script,
			args: argumentsOf(step),
			timeoutMs: timeoutOf(step, user),
			vars: [...user.vars, { name: runVariable, value: this.stored.run }],
			logging: user.logging,
			userlogSizeKb: user.userlogSizeKb,
		};
		const script = await hands.scripts.start(request);
		if (script === null) return null;
		const { pid, startTime, userlog } = script;
		this.stored.script = { pid, startTime, userlog, killAtMs: this.#deadline(step, user) };
		this.#context.persist();
		if (script.userlog !== null) {
			const argument = step.force ? ' "force"' : "";
			this.#context.log("userplug", "S", `Script ${step.script}${argument} > ${script.userlog}`);
		}
		return script;
	}

	#deadline(step: Extract<Step, { do: "script" }>, user: UserConfiguration): number | null {
		const timeoutMs = timeoutOf(step, user);
		return timeoutMs === null ? null : this.#context.hands.nowMs() + timeoutMs;
	}
}

/** `force` first where it applies, then both states and the action, the services last (spec/03 §2). */
function argumentsOf({ force, from, to, action, services }: Extract<Step, { do: "script" }>): string[] {
	return [...(force ? ["force"] : []), from, to, action, ...(services === undefined ? [] : ["-Services", services])];
}

/** What failed and what to do, to be followed by more. */
function sentence(error: unknown): string {
	if (error instanceof SafekitError) return `${error.message}. ${error.remedy}`.replace(/\.$/, "");
	return error instanceof Error ? error.message : String(error);
}

/** A script that ended while no daemon watched: it ran, and how it ended is not known. */
function ended(pid: number, startTime: string, userlog: string | null): RunningScript {
	const result = { ran: true, exitCode: null, timedOut: false, userlog };
	return { pid, startTime, userlog, ended: Promise.resolve(result), kill: () => {} };
}
